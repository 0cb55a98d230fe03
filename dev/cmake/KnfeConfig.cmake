# What find_package(Knfe) gives: Knfe::runtime, and the rooms below it (kube, api, net, base).
include(CMakeFindDependencyMacro)
find_dependency(Boost 1.81 COMPONENTS json)
find_dependency(OpenSSL 3)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/KnfeTargets.cmake)
