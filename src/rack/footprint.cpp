#include "rack/footprint.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace fluxrig::rack {
namespace {

std::uint64_t number_after(std::string_view text, std::string_view key) noexcept {
  const auto at = text.find(key);
  return at == std::string_view::npos ? 0 : std::strtoull(text.data() + at + key.size(), nullptr, 10);
}

}  // namespace

Footprint read_footprint() noexcept {
  Footprint footprint;
  char buffer[4096];
  const int fd = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    const auto size = ::read(fd, buffer, sizeof buffer - 1);
    ::close(fd);
    if (size > 0) {
      buffer[size] = '\0';
      const std::string_view text(buffer, static_cast<std::size_t>(size));
      footprint.resident_bytes = number_after(text, "VmRSS:") * 1024;
      footprint.high_water_bytes = number_after(text, "VmHWM:") * 1024;
      footprint.threads = static_cast<std::uint32_t>(number_after(text, "Threads:"));
    }
  }
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    footprint.cpu_micros =
        static_cast<std::uint64_t>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 +
        static_cast<std::uint64_t>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  return footprint;
}

}  // namespace fluxrig::rack
