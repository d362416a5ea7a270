// Fixed amounts of work of the parts that every transaction passes, for counting their instructions: the same
// on every run of the same build.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace fluxrig::bench {

class Workload {
 public:
  virtual ~Workload() = default;
  // Does the work `times` times; what it needs was made before.
  virtual void run(std::size_t times) = 0;
};

struct WorkloadKind {
  std::string_view name;
  std::string_view what;  // of one time
  std::size_t times;      // how often it is counted
  std::unique_ptr<Workload> (*make)();
};

[[nodiscard]] std::span<const WorkloadKind> workload_kinds() noexcept;

}  // namespace fluxrig::bench
