// A benchmark that cannot do its work says why and ends: one that goes on after a failure measures nothing.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace fluxrig::bench {

[[noreturn]] inline void give_up(std::string_view why) {
  std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(1);
}

}  // namespace fluxrig::bench
