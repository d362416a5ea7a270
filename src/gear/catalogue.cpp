#include "gear/catalogue.hpp"

namespace fluxrig::gear {

std::vector<GearType> catalogue() {
  return {http_server_type(), http_client_type(), tcp_server_type(), tcp_client_type(), iso8583_type(),
          map_type(),         route_type(),       respond_type(),    bus_out_type(),    bus_in_type()};
}

}  // namespace fluxrig::gear
