// What the mixer's configuration and certificate index mean for each of its parts. Values; any thread.
#pragma once

#include "mixer/api/http_server.hpp"
#include "mixer/config.hpp"
#include "mixer/pressure_desk.hpp"
#include "mixer/rack_index.hpp"
#include "snake/pki/certificate_index.hpp"
#include "snake/streams.hpp"

namespace fluxrig::mixer {

[[nodiscard]] RackIndex::Names racks_of(const snake::CertificateIndex& index);
[[nodiscard]] snake::StreamSizes stream_sizes(const Config::Streams& streams);
[[nodiscard]] HttpOptions http_options(const Config& config);
// Of the receiver; `config.listen_otlp` is set.
[[nodiscard]] HttpOptions receive_options(const Config& config);
[[nodiscard]] PressureDesk::Options pressure_options(const Config& config);

}  // namespace fluxrig::mixer
