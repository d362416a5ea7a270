// `fluxrig-sim --fleet`: a thousand racks cut off together and back together. One thread.
#pragma once

namespace fluxrig::sim {

// The whole command line, `--fleet` included. Exit code 0: every promise held; 1: one was broken; 2: the
// arguments are wrong.
[[nodiscard]] int fleet_command(int argc, char** argv);

}  // namespace fluxrig::sim
