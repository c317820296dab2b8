cmake_minimum_required(VERSION 3.25)
# cmake -DSTYLES="a.css|b.css" -DSCRIPTS="a.js|b.js" -DLICENSES="a|..." -DPLOTS="uPlot 1.6.32" -DOUTPUT=x.cpp -P embed_report.cmake
# Makes a C++ file of the report's style and script, with the hashes by which the page's Content-Security-Policy
# allows these two and nothing else.

# What is published as a minified file begins with a comment that names a web address, and comes with a licence that
# must come along: the comment is replaced with the licence.
function(gather files out)
  set(all "")
  string(REPLACE "|" ";" files "${files}")
  foreach(file IN LISTS files)
    file(READ "${file}" text)
    string(REGEX REPLACE "^/\\*![^*]*\\*/" "" text "${text}")
    get_filename_component(folder "${file}" DIRECTORY)
    if(EXISTS "${folder}/../LICENSE")
      file(READ "${folder}/../LICENSE" license)
      set(text "/*! uPlot\n${license}*/\n${text}")
    endif()
    string(APPEND all "${text}\n")
  endforeach()
  if(all MATCHES "</[sS]|<!--|https?://")
    message(FATAL_ERROR "${files}: cannot stand in a page that asks for nothing from anywhere")
  endif()
  set(${out} "${all}" PARENT_SCOPE)
endfunction()

# The base64 form of a SHA-256 that is written as 64 hexadecimal digits.
function(base64_of_hash hex out)
  set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  set(text "")
  foreach(at RANGE 0 63 6)
    string(SUBSTRING "${hex}00" ${at} 6 group)  # 32 bytes and a zero are 11 groups of three
    foreach(shift 18 12 6 0)
      math(EXPR digit "(0x${group} >> ${shift}) & 63")
      string(SUBSTRING "${digits}" ${digit} 1 digit)
      string(APPEND text "${digit}")
    endforeach()
  endforeach()
  string(SUBSTRING "${text}" 0 43 text)
  set(${out} "${text}=" PARENT_SCOPE)
endfunction()

# A text as an array of bytes: strings in C++ may be too long for a compiler, and raw ones must not hold their end.
function(array_of text name out)
  file(WRITE "${OUTPUT}.part" "${text}")
  file(READ "${OUTPUT}.part" hex HEX)
  file(SHA256 "${OUTPUT}.part" hash)
  file(REMOVE "${OUTPUT}.part")
  base64_of_hash("${hash}" hash)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes "${bytes}")
  set(${out} "constexpr unsigned char k${name}[] = {\n${bytes}};\nconstexpr std::string_view k${name}Hash = \"sha256-${hash}\";\n"
      PARENT_SCOPE)
endfunction()

gather("${STYLES}" style)
gather("${SCRIPTS}" script)
array_of("${style}" Style style)
array_of("${script}" Script script)
file(WRITE "${OUTPUT}" "// Made by cmake/embed_report.cmake.
#include \"train/report_assets.h\"

namespace sputnik {
namespace {

${style}
${script}
template <std::size_t n>
std::string_view text(const unsigned char (&bytes)[n]) {
  return {reinterpret_cast<const char*>(bytes), n};
}

}  // namespace

ReportAssets report_assets() {
  return {text(kStyle), kStyleHash, text(kScript), kScriptHash, \"${PLOTS}\"};
}

}  // namespace sputnik
")
