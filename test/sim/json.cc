// Boost.JSON, compiled along with the simulator and not as the system has it: it is a quarter of all that runs there.
#include <boost/json/src.hpp>
