cmake_minimum_required(VERSION 3.25)
# cmake -DNPM=npm -DSOURCE=web/app -DFOLDER=build/x/web/app -DOUTPUT=x.cpp -P embed_web.cmake
# Builds the page in FOLDER and makes a C++ file that holds all of it. NPM empty: one that holds nothing. A page that
# cannot be built is no reason to have no program: it is left out, and a warning says why.

function(build_page out)
  set(${out} FALSE PARENT_SCOPE)
  if(NOT NPM)
    return()
  endif()
  file(MAKE_DIRECTORY "${FOLDER}")
  file(REMOVE_RECURSE "${FOLDER}/src" "${FOLDER}/public" "${FOLDER}/dist")
  file(COPY "${SOURCE}/src" "${SOURCE}/public" "${SOURCE}/index.html" "${SOURCE}/package.json" "${SOURCE}/package-lock.json"
       "${SOURCE}/vite.config.ts" "${SOURCE}/tsconfig.json" "${SOURCE}/compress.mjs" DESTINATION "${FOLDER}")
  file(SHA256 "${FOLDER}/package-lock.json" wanted)
  set(installed "")
  if(EXISTS "${FOLDER}/installed")
    file(READ "${FOLDER}/installed" installed)
  endif()
  if(NOT installed STREQUAL wanted)
    execute_process(COMMAND "${NPM}" ci --omit=dev --ignore-scripts --no-audit --no-fund --fetch-retries=1
      WORKING_DIRECTORY "${FOLDER}" TIMEOUT 300 RESULT_VARIABLE status OUTPUT_FILE "${FOLDER}/npm.log" ERROR_FILE "${FOLDER}/npm.log")
    if(NOT status EQUAL 0)
      message(WARNING "The assistant's page is left out: npm could not bring what it is built with (${FOLDER}/npm.log; "
        "remove ${FOLDER}/.. and build again)")
      return()
    endif()
    file(WRITE "${FOLDER}/installed" "${wanted}")
  endif()
  execute_process(COMMAND "${NPM}" run --silent bundle
    WORKING_DIRECTORY "${FOLDER}" TIMEOUT 300 RESULT_VARIABLE status OUTPUT_FILE "${FOLDER}/build.log" ERROR_FILE "${FOLDER}/build.log")
  if(NOT status EQUAL 0)
    message(WARNING "The assistant's page is left out: it could not be built (${FOLDER}/build.log; remove ${FOLDER}/.. and "
      "build again)")
    return()
  endif()
  set(${out} TRUE PARENT_SCOPE)
endfunction()

# The assembler takes files as they are: as arrays of numbers they would cost a compiler minutes.
function(add_bytes file symbol)
  string(APPEND assembly "    \".global ${symbol}\\n${symbol}:\\n.incbin \\\"${file}\\\"\\n\"\n"
    "    \".global ${symbol}_end\\n${symbol}_end:\\n.byte 0\\n\"\n")
  string(APPEND declarations "extern const char ${symbol}[], ${symbol}_end[];\n")
  set(assembly "${assembly}" PARENT_SCOPE)
  set(declarations "${declarations}" PARENT_SCOPE)
endfunction()

build_page(built)
set(assembly "")
set(declarations "")
set(entries "")
set(n 0)
if(built)
  file(GLOB_RECURSE names RELATIVE "${FOLDER}/dist" "${FOLDER}/dist/*")
  list(FILTER names EXCLUDE REGEX "\\.gz$")
  foreach(name IN LISTS names)
    add_bytes("${FOLDER}/dist/${name}" sputnik_page_${n})
    set(gzip "{}")
    if(EXISTS "${FOLDER}/dist/${name}.gz")
      add_bytes("${FOLDER}/dist/${name}.gz" sputnik_page_gzip_${n})
      set(gzip "text(sputnik_page_gzip_${n}, sputnik_page_gzip_${n}_end)")
    endif()
    string(APPEND entries "      {\"/${name}\", text(sputnik_page_${n}, sputnik_page_${n}_end), ${gzip}},\n")
    math(EXPR n "${n} + 1")
  endforeach()
endif()

set(head "// Made by cmake/embed_web.cmake.\n#include \"server/page/page_files.h\"\n")
if(n EQUAL 0)
  file(WRITE "${OUTPUT}" "${head}
namespace sputnik::server {

std::span<const PageFile> page_files() {
  return {};
}

}  // namespace sputnik::server
")
  return()
endif()
file(WRITE "${OUTPUT}" "${head}
asm(\".pushsection .rodata\\n\"
${assembly}    \".popsection\\n\");

extern \"C\" {
${declarations}}

namespace sputnik::server {
namespace {

std::string_view text(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::span<const PageFile> page_files() {
  static const PageFile files[] = {
${entries}  };
  return files;
}

}  // namespace sputnik::server
")
