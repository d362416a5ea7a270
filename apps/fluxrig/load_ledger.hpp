// One line for each answered request: flux-id of the reply, status, trace_id, separated by tabs, "-" where
// there is none. What a fault test later holds against the store. Buffered; complete after finish(). One
// thread.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace fluxrig::client {

class LoadLedger {
 public:
  // Appends to a file that is there.
  [[nodiscard]] static Outcome<std::unique_ptr<LoadLedger>> open(const std::string& path);
  void append(std::string_view flux_id, unsigned status, const TraceId& trace_id);
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
