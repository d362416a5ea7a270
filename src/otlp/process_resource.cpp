#include "otlp/process_resource.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

namespace fluxrig::otlp {
namespace {

// host.arch has words of its own; an architecture that it does not list keeps its name.
std::string architecture(std::string_view machine) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords = {{{"x86_64", "amd64"},
                                                                                    {"aarch64", "arm64"},
                                                                                    {"armv7l", "arm32"},
                                                                                    {"armv6l", "arm32"},
                                                                                    {"i686", "x86"},
                                                                                    {"ppc64le", "ppc64"},
                                                                                    {"s390x", "s390x"}}};
  const auto found =
      std::find_if(kWords.begin(), kWords.end(), [machine](const auto& one) { return one.first == machine; });
  return std::string(found == kWords.end() ? machine : found->second);
}

}  // namespace

std::vector<model::Attribute> process_attributes() {
  std::vector<model::Attribute> out = {{"os.type", std::string("linux")},
                                       {"process.pid", std::int64_t{getpid()}}};
  if (utsname name{}; uname(&name) == 0) {
    out.push_back({"host.name", std::string(name.nodename)});
    out.push_back({"host.arch", architecture(name.machine)});
    out.push_back({"os.version", std::string(name.release)});
  }
  std::error_code failed;
  if (const auto program = std::filesystem::read_symlink("/proc/self/exe", failed); !failed)
    out.push_back({"process.executable.name", program.filename().string()});
  return out;
}

}  // namespace fluxrig::otlp
