#include "mixer/test_peers.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "model/record_codec.hpp"

namespace fluxrig::mixer::testing {

model::Transaction transaction(std::uint64_t number, UnixNanos start) {
  model::Transaction one;
  SeededRandom random(number);
  one.flux_id = make_flux_id(start, random);
  one.trace_id = make_trace_id(random);
  one.span_id = make_span_id(random);
  one.gear = "shop";
  one.name = "POST /authorize";
  one.start = start;
  one.end = {start.value + 5 * kNanosPerMilli};
  one.attributes = {{"http.response.status_code", std::int64_t{200}}};
  return one;
}

Bytes audit_block(const MachineId& machine, std::uint64_t first, std::uint32_t count, std::uint32_t epoch) {
  Bytes records;
  const auto now = SystemClock{}.now();
  for (std::uint32_t i = 0; i < count; ++i)
    model::encode(model::Record(transaction(first + i, {now.value + i * kNanosPerMicro})), records);
  model::BlockHead head;
  head.machine_id = machine;
  head.lane = model::Lane::kAudit;
  head.epoch = Epoch{epoch};
  head.first = Sequence{first};
  head.count = count;
  head.time = now;
  Bytes block;
  model::encode_block(head, records, {}, block);
  return block;
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{10, 0};
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

std::string read_until(int fd, std::string_view end) {
  std::string all;
  std::array<char, 16384> buffer{};
  while (end.empty() || all.find(end) == std::string::npos) {
    const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    all.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return all;
}

HttpReply send_request(std::uint16_t port, std::string_view raw) {
  HttpReply reply;
  const int fd = connect_to(port);
  if (fd < 0) return reply;
  (void)send_all(fd, raw);  // the server may have answered and closed before it read all
  const std::string all = read_until(fd, {});
  ::close(fd);
  const auto split = all.find("\r\n\r\n");
  if (split == std::string::npos || all.size() < 12) return reply;
  reply.head = all.substr(0, split);
  reply.body = all.substr(split + 4);
  (void)std::from_chars(all.data() + 9, all.data() + 12, reply.status);
  return reply;
}

HttpReply get(std::uint16_t port, std::string_view target, std::string_view token,
              std::string_view more_headers) {
  return send_request(
      port, fmt::format("GET {} HTTP/1.1\r\nHost: mixer\r\nConnection: close\r\nAuthorization: Bearer "
                        "{}\r\n{}\r\n",
                        target, token, more_headers));
}

HttpReply post(std::uint16_t port, std::string_view target, std::string_view token, std::string_view body) {
  return send_request(
      port, fmt::format("POST {} HTTP/1.1\r\nHost: mixer\r\nConnection: close\r\nContent-Length: "
                        "{}\r\nContent-Type: application/json\r\nAuthorization: Bearer {}\r\n\r\n{}",
                        target, body.size(), token, body));
}

HttpPages get_pages(std::uint16_t port, const std::string& target, std::string_view token) {
  constexpr std::string_view kRow = "\"seq\":";
  constexpr std::string_view kNext = "\"next_cursor\":\"";
  HttpPages pages;
  std::string cursor;
  for (; pages.cursors < 5; ++pages.cursors) {
    const auto reply = get(port, target + cursor, token);
    pages.status = reply.status;
    if (reply.status != 200) return pages;
    for (auto at = reply.body.find(kRow); at != std::string::npos; at = reply.body.find(kRow, at + 1))
      ++pages.rows;
    const auto next = reply.body.find(kNext);
    if (next == std::string::npos) return pages;
    const auto begin = next + kNext.size();
    cursor = "&cursor=" + reply.body.substr(begin, reply.body.find('"', begin) - begin);
  }
  return pages;
}

}  // namespace fluxrig::mixer::testing
