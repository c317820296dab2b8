# Flags that every target of ours gets. An interface library, so that dependencies are not touched.
add_library(sputnik_options INTERFACE)
target_compile_options(sputnik_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Werror
  # A product and a sum are fused only where the source says fma: results must not depend on which file
  # a compiler happened to contract.
  -ffp-contract=off)
target_include_directories(sputnik_options INTERFACE "${PROJECT_SOURCE_DIR}/src")
target_compile_definitions(sputnik_options INTERFACE SPUTNIK_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports maybe-uninitialized inside std::variant at -O2, and restrict inside std::string's
  # insert(): false positives in library code.
  target_compile_options(sputnik_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")

if(SPUTNIK_SANITIZERS)
  target_compile_options(sputnik_options INTERFACE
    -fsanitize=${SPUTNIK_SANITIZERS} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(sputnik_options INTERFACE -fsanitize=${SPUTNIK_SANITIZERS})
endif()
if(SPUTNIK_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "fuzz targets need clang: cmake --preset fuzz")
  endif()
  target_compile_options(sputnik_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(SPUTNIK_TIDY)
  find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY "${CLANG_TIDY};--quiet")
endif()
