// A narrow, far wire between this network namespace and another one, packet by packet: rate, delay, a bounded queue
// and cuts, as a router would have them. The kernel has tbf but not netem, and a TCP relay hides the distance from TCP.
//   shaper NAMESPACE HERE THERE        names of the two tun devices it makes; give them addresses when it says "ready"
// Orders come on stdin, a line each, and hold from the next packet on:
//   rate BITS_PER_S (0: no limit) | delay MICROSECONDS each way | queue MILLISECONDS | cut | join | stats
// Both directions are alike. Ends with stdin. One thread; Linux only; needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <string>
#include <vector>

namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::size_t kMaxPacket = 65'536;
constexpr std::size_t kMaxWaiting = 20'000;  // packets of one direction, however long the delay

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "shaper: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kNanosPerSecond + time.tv_nsec;
}

struct Wire {
  std::int64_t bits_per_s = 0;
  std::int64_t delay = 0;
  std::int64_t longest_queue = kNanosPerSecond / 5;
  bool cut = false;
};

// One direction. A packet occupies the wire for its length, then travels.
class Direction {
 public:
  Direction(int from, int to) : from_(from), to_(to) {}

  [[nodiscard]] int from() const { return from_; }

  void take(const Wire& wire) {
    for (;;) {
      std::vector<char> packet(kMaxPacket);
      const ssize_t size = read(from_, packet.data(), packet.size());
      if (size <= 0) return;
      packet.resize(static_cast<std::size_t>(size));
      admit(wire, std::move(packet));
    }
  }

  void pass(const Wire& wire) {
    const std::int64_t time = now();
    while (!waiting_.empty() && waiting_.front().due <= time) {
      // A full device is a lost packet, as everywhere.
      if (!wire.cut && write(to_, waiting_.front().bytes.data(), waiting_.front().bytes.size()) > 0)
        bytes_ += waiting_.front().bytes.size();
      waiting_.pop_front();
    }
  }

  [[nodiscard]] std::int64_t due() const { return waiting_.empty() ? INT64_MAX : waiting_.front().due; }

  void print(const char* name) const {
    std::printf("%s bytes %llu dropped %llu", name, static_cast<unsigned long long>(bytes_),
                static_cast<unsigned long long>(dropped_));
  }

 private:
  struct Packet {
    std::int64_t due;
    std::vector<char> bytes;
  };

  void admit(const Wire& wire, std::vector<char> packet) {
    const std::int64_t time = now();
    if (free_at_ < time) free_at_ = time;
    if (wire.cut || free_at_ - time > wire.longest_queue || waiting_.size() >= kMaxWaiting) {
      ++dropped_;
      return;
    }
    if (wire.bits_per_s > 0)
      free_at_ += static_cast<std::int64_t>(packet.size()) * 8 * kNanosPerSecond / wire.bits_per_s;
    waiting_.push_back({free_at_ + wire.delay, std::move(packet)});
  }

  int from_;
  int to_;
  std::int64_t free_at_ = 0;  // when the wire has sent what it was given
  std::deque<Packet> waiting_;
  std::uint64_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
};

int open_tun(const char* name) {
  const int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) give_up("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(device, TUNSETIFF, &request) != 0) give_up(name);
  return device;
}

int open_tun_in(const std::string& space, const char* name) {
  const int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int other = open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
  if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) != 0) give_up(space.c_str());
  const int device = open_tun(name);
  if (setns(own, CLONE_NEWNET) != 0) give_up("the way back to the own namespace");
  close(own);
  close(other);
  return device;
}

// False: not understood.
bool obey(const std::string& line, Wire& wire, const Direction& up, const Direction& down) {
  char word[16] = "";
  long long value = -1;
  const int read = std::sscanf(line.c_str(), "%15s %lld", word, &value);
  const std::string order(word);
  if (order == "cut" || order == "join") {
    wire.cut = order == "cut";
  } else if (order == "stats") {
    down.print("down");
    up.print(" up");
    std::printf("\n");
  } else if (read < 2 || value < 0) {
    return false;
  } else if (order == "rate") {
    wire.bits_per_s = value;
  } else if (order == "delay") {
    wire.delay = value * 1'000;
  } else if (order == "queue") {
    wire.longest_queue = value * 1'000'000;
  } else {
    return false;
  }
  if (order != "stats") std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  return true;
}

// False: stdin has ended.
bool take_orders(std::string& text, Wire& wire, const Direction& up, const Direction& down) {
  char bytes[512];
  const ssize_t size = read(STDIN_FILENO, bytes, sizeof bytes);
  if (size <= 0) return false;
  text.append(bytes, static_cast<std::size_t>(size));
  for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
    if (!obey(text.substr(0, end), wire, up, down)) std::fprintf(stderr, "shaper: what is '%s'?\n", text.substr(0, end).c_str());
  return true;
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) {
    std::fprintf(stderr, "usage: shaper NAMESPACE HERE THERE\n");
    return 2;
  }
  const int here = open_tun(words[2]);
  const int there = open_tun_in(words[1], words[3]);
  prctl(PR_SET_TIMERSLACK, 1);  // else the kernel adds 50 us to each wait
  Direction down(here, there);
  Direction up(there, here);
  Wire wire;
  std::string orders;
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    const std::int64_t due = std::min(down.due(), up.due());
    const std::int64_t wait = due == INT64_MAX ? kNanosPerSecond : std::max<std::int64_t>(due - now(), 0);
    const timespec patience{static_cast<time_t>(wait / kNanosPerSecond), static_cast<long>(wait % kNanosPerSecond)};
    pollfd polled[] = {{STDIN_FILENO, POLLIN, 0}, {here, POLLIN, 0}, {there, POLLIN, 0}};
    if (ppoll(polled, 3, &patience, nullptr) < 0 && errno != EINTR) give_up("ppoll");
    if ((polled[0].revents & (POLLIN | POLLHUP)) != 0 && !take_orders(orders, wire, up, down)) return 0;
    for (Direction* direction : {&down, &up}) {
      direction->take(wire);
      direction->pass(wire);
    }
  }
}
