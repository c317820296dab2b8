# sputnik_embed_report(target): adds the style and the script of training reports (web/report) to a library.
#
# Plots that answer to the pointer need uPlot, an npm package of 50 kB without dependencies. npm, if it is here, brings
# it into the build folder; without npm or without a network reports are made all the same, with plain pictures. A
# folder that holds uPlot's package may be named instead: -DSPUTNIK_UPLOT_DIR=...
set(SPUTNIK_UPLOT_DIR "" CACHE PATH "Folder of the npm package uplot; empty: npm brings it")

function(sputnik_find_uplot out)
  if(SPUTNIK_UPLOT_DIR)
    if(NOT EXISTS "${SPUTNIK_UPLOT_DIR}/dist/uPlot.iife.min.js")
      message(FATAL_ERROR "SPUTNIK_UPLOT_DIR: there is no dist/uPlot.iife.min.js in ${SPUTNIK_UPLOT_DIR}")
    endif()
    set(${out} "${SPUTNIK_UPLOT_DIR}" PARENT_SCOPE)
    return()
  endif()
  set(${out} "" PARENT_SCOPE)
  set(folder "${PROJECT_BINARY_DIR}/web/report")
  set(package "${folder}/node_modules/uplot")
  configure_file("${PROJECT_SOURCE_DIR}/web/report/package.json" "${folder}/package.json" COPYONLY)
  configure_file("${PROJECT_SOURCE_DIR}/web/report/package-lock.json" "${folder}/package-lock.json" COPYONLY)
  file(SHA256 "${folder}/package-lock.json" wanted)
  set(tried "")
  if(EXISTS "${folder}/tried")
    file(READ "${folder}/tried" tried)
  endif()
  # What has failed once is not tried again at every change of a CMakeLists.txt, but in a fresh build folder.
  if(NOT tried STREQUAL wanted)
    find_program(SPUTNIK_NPM npm)
    if(NOT SPUTNIK_NPM)
      message(STATUS "Reports of training: plain plots, because npm is missing (script/bootstrap web installs it)")
      return()
    endif()
    execute_process(COMMAND "${SPUTNIK_NPM}" ci --ignore-scripts --no-audit --no-fund --fetch-retries=1
      WORKING_DIRECTORY "${folder}" TIMEOUT 60 RESULT_VARIABLE status OUTPUT_FILE "${folder}/npm.log" ERROR_FILE "${folder}/npm.log")
    if(NOT status EQUAL 0)
      file(REMOVE_RECURSE "${folder}/node_modules")
    endif()
    file(WRITE "${folder}/tried" "${wanted}")
  endif()
  if(EXISTS "${package}/dist/uPlot.iife.min.js")
    set(${out} "${package}" PARENT_SCOPE)
  else()
    message(STATUS "Reports of training: plain plots, because npm could not bring uPlot (${folder}/npm.log; "
      "remove ${folder} to try again)")
  endif()
endfunction()

function(sputnik_embed_report target)
  sputnik_find_uplot(uplot)
  set(web "${PROJECT_SOURCE_DIR}/web/report")
  set(styles "${web}/report.css")
  set(scripts "${web}/report.js")
  set(plots "")
  if(uplot)
    file(READ "${uplot}/package.json" package)
    string(JSON version GET "${package}" version)
    set(plots "uPlot ${version}")
    list(PREPEND styles "${uplot}/dist/uPlot.min.css")
    list(PREPEND scripts "${uplot}/dist/uPlot.iife.min.js")
    message(STATUS "Reports of training: plots with ${plots}")
  endif()
  set(output "${PROJECT_BINARY_DIR}/web/report_assets.cpp")
  list(JOIN styles "|" joined_styles)
  list(JOIN scripts "|" joined_scripts)
  add_custom_command(OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} "-DSTYLES=${joined_styles}" "-DSCRIPTS=${joined_scripts}" "-DPLOTS=${plots}" "-DOUTPUT=${output}"
            -P "${PROJECT_SOURCE_DIR}/cmake/embed_report.cmake"
    DEPENDS ${styles} ${scripts} "${PROJECT_SOURCE_DIR}/cmake/embed_report.cmake"
    COMMENT "Embedding the report's style and script" VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
