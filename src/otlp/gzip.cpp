#include "otlp/gzip.hpp"

#include <zlib.h>

#include <memory>
#include <vector>

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

Result<std::string> gunzip(std::string_view packed, std::size_t most) {
  constexpr std::size_t kStep = 64U << 10;
  z_stream stream{};
  FR_ASSERT(inflateInit2(&stream, kGzipFormat) == Z_OK);
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::vector<char> step(kStep);
  int done = Z_OK;
  while (done == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(step.data());
    stream.avail_out = static_cast<uInt>(step.size());
    done = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = step.size() - stream.avail_out;
    if (got > most - out.size()) return fail(ErrorCode::kOversize, "it unpacks to more than is taken");
    out.append(step.data(), got);
    if (done == Z_OK && stream.avail_in == 0 && stream.avail_out != 0) done = Z_BUF_ERROR;  // cut
  }
  if (done != Z_STREAM_END || stream.avail_in != 0)
    return fail(ErrorCode::kInvalid, "it is not one whole gzip stream");
  return out;
}

}  // namespace fluxrig::otlp
