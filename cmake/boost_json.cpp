// Boost.JSON compiled into this one file (fr_boost_json).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <boost/json/src.hpp>
#pragma GCC diagnostic pop
