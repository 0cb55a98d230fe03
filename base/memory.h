// Memory of the process.
#pragma once

namespace knfe {

// What is free goes back to the system: after something large that will not happen again. Takes milliseconds.
void return_free_memory();

}  // namespace knfe
