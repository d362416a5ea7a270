// Every gear type that ships with fluxrig. No self-registration: a program that adds its own passes a longer
// list to rack::run (examples/).
#pragma once

#include <vector>

#include "gear/settings.hpp"

namespace fluxrig::gear {

// One function for each file of gears; each stands beside its gear.
[[nodiscard]] GearType http_server_type();
[[nodiscard]] GearType http_client_type();
[[nodiscard]] GearType tcp_server_type();
[[nodiscard]] GearType tcp_client_type();
[[nodiscard]] GearType iso8583_type();
[[nodiscard]] GearType map_type();
[[nodiscard]] GearType route_type();
[[nodiscard]] GearType respond_type();
[[nodiscard]] GearType bus_out_type();
[[nodiscard]] GearType bus_in_type();

[[nodiscard]] std::vector<GearType> catalogue();

}  // namespace fluxrig::gear
