#include "fluxrig/load_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fluxrig::client {
namespace {

constexpr std::size_t kMaxFluxId = 64;

// The reply is outside text: an id of another shape is no id.
bool is_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxFluxId &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Outcome<std::unique_ptr<LoadLedger>> LoadLedger::open(const std::string& path) {
  std::unique_ptr<LoadLedger> ledger(new LoadLedger(path));
  ledger->file_.reset(std::fopen(path.c_str(), "ae"));
  if (!ledger->file_)
    return problem(fmt::format("the ledger {} cannot be written: {}", path, std::strerror(errno)));
  std::setvbuf(ledger->file_.get(), ledger->buffer_.data(), _IOFBF, ledger->buffer_.size());
  return ledger;
}

void LoadLedger::append(const Reply& reply) {
  fmt::memory_buffer line;
  fmt::format_to(std::back_inserter(line), "{}\t{}\t{}\t{}\t{}\n", is_id(reply.flux_id) ? reply.flux_id : "-",
                 reply.status, reply.trace_id.is_zero() ? "-" : to_string(reply.trace_id),
                 reply.time.value / kNanosPerMicro, reply.latency_nanos / kNanosPerMicro);
  std::fwrite(line.data(), 1, line.size(), file_.get());
}

Outcome<void> LoadLedger::finish() {
  errno = 0;
  if (std::fflush(file_.get()) == 0 && std::ferror(file_.get()) == 0) return {};
  return problem(fmt::format("the ledger {} is not complete: {}", path_, std::strerror(errno)));
}

}  // namespace fluxrig::client
