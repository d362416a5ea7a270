// ISO 8583 for the load generator: 0200 purchase requests with a number of their own in element 11, replies
// known by it. One thread.
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "fluxrig/load_protocol.hpp"
#include "gear/iso8583/codec.hpp"
#include "gear/net/framing.hpp"

namespace fluxrig::client {

struct Iso8583LoadOptions {
  gear::net::Framing framing = gear::net::Framing::kLength2;
  std::shared_ptr<const gear::iso8583::Specification> spec;  // shared: load_specification gives it so
  std::string terminal = "LOAD0001";
};

class Iso8583Load final : public LoadProtocol {
 public:
  static constexpr std::size_t kMaxFrame = 64U << 10;

  // A sentence when the specification cannot carry the request.
  [[nodiscard]] static Outcome<std::unique_ptr<Iso8583Load>> make(Iso8583LoadOptions options,
                                                                  const Clock& clock, Random& random);
  LoadRequest append_request(std::uint64_t n, std::string& out) override;
  [[nodiscard]] LoadReply parse(std::string_view bytes) override;
  [[nodiscard]] std::string_view name() const noexcept override { return "iso8583"; }
  [[nodiscard]] bool has_keys() const noexcept override { return true; }

 private:
  Iso8583Load(Iso8583LoadOptions options, const Clock& clock, Random& random)
      : options_(std::move(options)), clock_(clock), random_(random) {}
  void fill(std::uint64_t n);
  [[nodiscard]] LoadReply read_reply(LoadReply reply, std::string_view payload);

  Iso8583LoadOptions options_;
  const Clock& clock_;
  Random& random_;
  gear::Fields fields_;        // scratch of requests
  gear::Fields reply_fields_;  // scratch of replies
  std::string payload_;        // scratch
};

}  // namespace fluxrig::client
