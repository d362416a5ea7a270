// What this process knows of itself and its machine, as resource attributes. Any thread.
#pragma once

#include <vector>

#include "model/records.hpp"

namespace fluxrig::otlp {

// host.name, host.arch, os.type, os.version, process.pid, process.executable.name; what the system does not
// tell is left out. Not the command line and not /etc/machine-id: the first may hold secrets, the second is
// confidential by its own manual.
[[nodiscard]] std::vector<model::Attribute> process_attributes();

}  // namespace fluxrig::otlp
