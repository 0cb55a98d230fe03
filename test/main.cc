#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>

#include "base/log.h"

// Failures are what tests provoke: their log lines are shown only to who asks (KNFE_TEST_LOG=1).
int main(int argc, char** argv) {
  // Nothing that the caller has set leads away from where tests are.
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"}) unsetenv(name);
  if (!std::getenv("KNFE_TEST_LOG")) knfe::set_log_level(knfe::Level::kNone);
  return doctest::Context(argc, argv).run();
}
