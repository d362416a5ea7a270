// JSON from outside: the bodies of requests and the status of racks. Any thread. Boost.JSON behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fluxrig::mixer {

// The text member `name` of the object `json`; nullopt when it is no such object.
[[nodiscard]] std::optional<std::string> json_text_member(std::string_view json, std::string_view name);
// The number at `object.member`, say audit.sequence; nullopt when absent.
[[nodiscard]] std::optional<std::uint64_t> json_number_at(std::string_view json, std::string_view object,
                                                          std::string_view member);
// `json` written anew, so that it can be placed inside other JSON; "null" when it is no object.
[[nodiscard]] std::string normal_json_object(std::string_view json);

}  // namespace fluxrig::mixer
