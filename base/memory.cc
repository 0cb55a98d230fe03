#include "base/memory.h"

#include <malloc.h>

namespace knfe {

void return_free_memory() { ::malloc_trim(0); }

}  // namespace knfe
