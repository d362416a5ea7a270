// One line for each answered request: flux-id of the reply, status, trace_id, separated by tabs, "-" where
// there is none; then when the reply came (microseconds since 1970) and how long it took (microseconds, as
// the summary counts). What a fault test later holds against the store. Buffered; complete after finish().
// One thread.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace fluxrig::client {

class LoadLedger {
 public:
  // Appends to a file that is there.
  [[nodiscard]] static Outcome<std::unique_ptr<LoadLedger>> open(const std::string& path);
  struct Reply {
    std::string_view flux_id;
    unsigned status = 0;
    TraceId trace_id;
    UnixNanos time;
    std::int64_t latency_nanos = 0;
  };
  void append(const Reply& reply);
  // Writes what is buffered; the sentence names the file when a write failed, now or earlier.
  [[nodiscard]] Outcome<void> finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  explicit LoadLedger(std::string path) : path_(std::move(path)), buffer_(1U << 20, '\0') {}

  std::string path_;
  std::string buffer_;  // of file_, so it goes after it
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace fluxrig::client
