// For the mixer's tests: a data directory with certificates, blocks of transactions, and an HTTP client that
// is nobody's library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"
#include "model/block.hpp"
#include "model/records.hpp"

namespace fluxrig::mixer::testing {

// One transaction; `number` makes its ids and times.
[[nodiscard]] model::Transaction transaction(std::uint64_t number, UnixNanos start);

// An audit block of `count` transactions numbered from `first`.
[[nodiscard]] Bytes audit_block(const MachineId& machine, std::uint64_t first, std::uint32_t count,
                                std::uint32_t epoch = 1);

struct HttpReply {
  int status = 0;
  std::string head;
  std::string body;
};
// One request on a connection of its own; `raw` is sent as it is. Status 0: no answer within 10 s.
[[nodiscard]] HttpReply send_request(std::uint16_t port, std::string_view raw);
[[nodiscard]] HttpReply get(std::uint16_t port, std::string_view target, std::string_view token,
                            std::string_view more_headers = {});
[[nodiscard]] HttpReply post(std::uint16_t port, std::string_view target, std::string_view token,
                             std::string_view body);

// A list, page after page by its cursors, at most five.
struct HttpPages {
  int status = 0;  // of the last one; after one that is not 200 none is asked for
  std::size_t rows = 0;
  int cursors = 0;  // followed
};
[[nodiscard]] HttpPages get_pages(std::uint16_t port, const std::string& target, std::string_view token);

// A connected socket whose reads end after 10 s; the caller closes it.
[[nodiscard]] int connect_to(std::uint16_t port);
[[nodiscard]] bool send_all(int fd, std::string_view text);
// Reads until `end` has been seen or the peer closes; what was read.
[[nodiscard]] std::string read_until(int fd, std::string_view end);

}  // namespace fluxrig::mixer::testing
