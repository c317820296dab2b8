# sputnik_embed_web(target): builds the assistant's page (web/app) and adds it to a library.
#
# npm brings what the page is built with into the build folder, where it is built: the source folder stays as it is.
# Without npm, without a network or with -DSPUTNIK_WEB=OFF the program has no page, and GET / says so.
find_program(SPUTNIK_NPM npm)
if(SPUTNIK_NPM)
  set(sputnik_web_default ON)
else()
  set(sputnik_web_default OFF)
endif()
option(SPUTNIK_WEB "Build the assistant's page and put it into the program (needs npm)" ${sputnik_web_default})

function(sputnik_embed_web target)
  set(source "${PROJECT_SOURCE_DIR}/web/app")
  set(folder "${PROJECT_BINARY_DIR}/web/app")
  set(output "${PROJECT_BINARY_DIR}/web/page_files.cpp")
  set(files "")
  if(SPUTNIK_WEB)
    if(NOT SPUTNIK_NPM)
      message(FATAL_ERROR "SPUTNIK_WEB: npm is missing (script/bootstrap web installs it)")
    endif()
    file(GLOB_RECURSE files CONFIGURE_DEPENDS "${source}/src/*" "${source}/public/*")
    list(FILTER files EXCLUDE REGEX "_test\\.tsx?$|\\.test\\.tsx?$")
    foreach(name index.html package.json package-lock.json vite.config.ts tsconfig.json compress.mjs)
      list(APPEND files "${source}/${name}")
    endforeach()
  else()
    message(STATUS "The assistant's page: left out (SPUTNIK_WEB=OFF, or npm is missing: script/bootstrap web installs it)")
  endif()
  add_custom_command(OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} "-DNPM=$<IF:$<BOOL:${SPUTNIK_WEB}>,${SPUTNIK_NPM},>" "-DSOURCE=${source}" "-DFOLDER=${folder}"
            "-DOUTPUT=${output}" -P "${PROJECT_SOURCE_DIR}/cmake/embed_web.cmake"
    DEPENDS ${files} "${PROJECT_SOURCE_DIR}/cmake/embed_web.cmake"
    COMMENT "Building the assistant's page" VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
