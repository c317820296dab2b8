# sputnik_module(name DEPENDS modules... LINKS libraries...)
#
# One folder under src/ is one static library. Beside it stand, by file name:
#   *_test.cpp   one GoogleTest program "<name>_test", one ctest entry of the same name
#   *_bench.cpp  one Google Benchmark program "<name>_bench"  (SPUTNIK_BENCHMARKS)
#   *_fuzz.cpp   one libFuzzer program each                    (SPUTNIK_FUZZERS); without clang the same
#                file is linked with a small driver that replays tests/corpus/<file name without _fuzz>
#   *_testing.h/.cpp  helpers shared by tests: library "<name>_testing", never linked into the product
#
# Modules are added bottom-up. Depending on one that was not added before fails here, at configure time;
# including a header of an undeclared one fails the test "layering.<name>".
#
# Target tests_<name> builds all that the module's tests need; their label is the module's name.
function(sputnik_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINKS" ${ARGN})
  set(dir "${CMAKE_CURRENT_SOURCE_DIR}/${name}")
  foreach(dependency IN LISTS ARG_DEPENDS)
    if(NOT TARGET sputnik_${dependency})
      message(FATAL_ERROR "module ${name} depends on ${dependency}, which does not stand below it")
    endif()
  endforeach()

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${dir}/*.cpp")
  set(tests ${sources})
  set(benchmarks ${sources})
  set(fuzzers ${sources})
  set(helpers ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz|testing)\\.cpp$|/main\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER benchmarks INCLUDE REGEX "_bench\\.cpp$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
  list(FILTER helpers INCLUDE REGEX "_testing\\.cpp$")

  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(FILTER sources EXCLUDE REGEX "/x86/")
  endif()
  sputnik_isa_flags(${sources})

  set(links "")
  foreach(dependency IN LISTS ARG_DEPENDS)
    list(APPEND links sputnik_${dependency})
  endforeach()
  add_library(sputnik_${name} STATIC ${sources})
  target_link_libraries(sputnik_${name} PUBLIC sputnik_options ${links} ${ARG_LINKS})
  set_target_properties(sputnik_${name} PROPERTIES LINKER_LANGUAGE CXX)

  add_test(NAME layering.${name}
    COMMAND ${CMAKE_COMMAND} -DMODULE=${name} "-DALLOWED=${name};${ARG_DEPENDS}" -DSOURCE_DIR=${CMAKE_CURRENT_SOURCE_DIR}
            -P ${PROJECT_SOURCE_DIR}/cmake/check_layering.cmake)
  set_tests_properties(layering.${name} PROPERTIES LABELS ${name})
  add_custom_target(tests_${name})

  set(test_links sputnik_${name})
  if(helpers)
    add_library(sputnik_${name}_testing STATIC EXCLUDE_FROM_ALL ${helpers})
    target_link_libraries(sputnik_${name}_testing PUBLIC sputnik_${name})
    target_compile_definitions(sputnik_${name}_testing PRIVATE SPUTNIK_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  endif()
  foreach(module IN LISTS ARG_DEPENDS ITEMS ${name})
    if(TARGET sputnik_${module}_testing)
      list(APPEND test_links sputnik_${module}_testing)
    endif()
  endforeach()

  if(SPUTNIK_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${test_links} GTest::gtest GTest::gtest_main PkgConfig::ZSTD)
    target_compile_definitions(${name}_test PRIVATE SPUTNIK_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name}_test COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(${name}_test PROPERTIES LABELS ${name})
    add_dependencies(tests_${name} ${name}_test)
  endif()
  if(SPUTNIK_BENCHMARKS AND benchmarks)
    add_executable(${name}_bench ${benchmarks})
    target_link_libraries(${name}_bench PRIVATE ${test_links} benchmark::benchmark benchmark::benchmark_main PkgConfig::ZSTD)
    target_compile_definitions(${name}_bench PRIVATE SPUTNIK_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  endif()
  foreach(fuzzer IN LISTS fuzzers)
    get_filename_component(target "${fuzzer}" NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" corpus "${target}")
    if(SPUTNIK_FUZZERS)
      add_executable(${target} ${fuzzer})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${target} PRIVATE ${test_links})
    elseif(SPUTNIK_TESTS)
      add_executable(${target}_replay ${fuzzer} ${PROJECT_SOURCE_DIR}/cmake/fuzz_replay.cpp)
      target_link_libraries(${target}_replay PRIVATE ${test_links})
      add_test(NAME fuzz.${corpus} COMMAND ${target}_replay ${PROJECT_SOURCE_DIR}/tests/corpus/${corpus})
      set_tests_properties(fuzz.${corpus} PROPERTIES LABELS ${name})
      add_dependencies(tests_${name} ${target}_replay)
    endif()
  endforeach()
endfunction()

# The suffix of a file under x86/ names the instruction set that it is compiled for.
function(sputnik_isa_flags)
  foreach(source IN LISTS ARGN)
    set(flags "")
    if(source MATCHES "_avx512_vnni\\.cpp$")
      set(flags "-O3 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx512vbmi -mprefer-vector-width=512")
    elseif(source MATCHES "_avx512\\.cpp$")
      set(flags "-O3 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512")
    elseif(source MATCHES "_avx2\\.cpp$")
      set(flags "-O3 -mavx2 -mfma -mf16c")
    endif()
    if(flags MATCHES "avx512" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # g++ 12's own AVX-512 headers start from a variable that is initialised with itself.
      string(APPEND flags " -Wno-uninitialized")
    endif()
    if(flags)
      set_source_files_properties(${source} PROPERTIES COMPILE_FLAGS "${flags}")
    endif()
  endforeach()
endfunction()
