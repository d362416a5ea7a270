#include "otlp/gzip.hpp"

#include <zlib.h>

#include "base/assert.hpp"

namespace fluxrig::otlp {
namespace {

constexpr int kGzipFormat = 15 + 16;  // the largest window, and gzip's frame instead of zlib's
constexpr int kMemoryLevel = 8;

}  // namespace

std::string gzip(std::string_view text) {
  z_stream stream{};
  FR_ASSERT(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipFormat, kMemoryLevel,
                         Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  // zlib reads what it takes as mutable.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);  // the bound makes room for all of it
  out.resize(stream.total_out);
  deflateEnd(&stream);
  FR_ASSERT(ended == Z_STREAM_END);
  return out;
}

}  // namespace fluxrig::otlp
