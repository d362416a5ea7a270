# Every third-party library by its Debian package; FluxrigModule links them only where one module adapts them.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark QUIET)
find_package(Boost 1.81 REQUIRED)
if(FLUXRIG_SANITIZE MATCHES "thread")
  # ThreadSanitizer does not know fences, and Asio has locks besides.
  target_compile_definitions(Boost::headers INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
# Boost.JSON as a part of the programs that read JSON, so that the edge needs no further library.
add_library(fr_boost_json STATIC EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/boost_json.cpp)
target_link_libraries(fr_boost_json PUBLIC Boost::headers)
find_package(PkgConfig REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)

find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp REQUIRED)  # headers only

find_path(NATS_INCLUDE_DIR nats/nats.h REQUIRED)
find_library(NATS_LIBRARY NAMES nats REQUIRED)
add_library(nats::client UNKNOWN IMPORTED)
set_target_properties(nats::client PROPERTIES IMPORTED_LOCATION ${NATS_LIBRARY}
                      INTERFACE_INCLUDE_DIRECTORIES ${NATS_INCLUDE_DIR})

# `./dev setup` unpacks DuckDB here; an installed one is taken as well. Only the mixer's sink links it.
if(FLUXRIG_FUZZ)
  return()
endif()
find_path(DUCKDB_INCLUDE_DIR duckdb.h HINTS ${CMAKE_SOURCE_DIR}/.deps/duckdb NO_CACHE)
find_library(DUCKDB_LIBRARY NAMES duckdb HINTS ${CMAKE_SOURCE_DIR}/.deps/duckdb NO_CACHE)
if(DUCKDB_INCLUDE_DIR AND DUCKDB_LIBRARY)
  add_library(duckdb::duckdb SHARED IMPORTED)
  set_target_properties(duckdb::duckdb PROPERTIES IMPORTED_LOCATION ${DUCKDB_LIBRARY}
                        IMPORTED_NO_SONAME ON
                        INTERFACE_INCLUDE_DIRECTORIES ${DUCKDB_INCLUDE_DIR})
else()
  message(FATAL_ERROR "DuckDB not found. Run './dev setup', or set DUCKDB_INCLUDE_DIR and DUCKDB_LIBRARY.")
endif()
