// compare_wal DIRECTORY ROUNDS SECONDS RECOVERY_MIB [WRITERS...]: every system with every number of writers
// in both modes, in turns (A B C A B C ...), one line of JSON a run on stdout. scripts/bench_wal.sh makes the
// table. ROUNDS 0: recovery only; RECOVERY_MIB 0: no recovery. FLUXRIG_BENCH_SYSTEMS and FLUXRIG_BENCH_MODES
// (names with commas) leave the others out.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "bench/give_up.hpp"
#include "bench/wal/peers.hpp"
#include "bench/wal/rack_lane.hpp"
#include "bench/wal/recovery.hpp"

namespace fluxrig::bench {
namespace {

struct System {
  const char* name;
  std::function<Measured(const Load&)> run;
};

double micros_at(std::vector<std::uint32_t>& latencies, double quantile) {
  if (latencies.empty()) return 0;
  const auto at = static_cast<std::size_t>(quantile * static_cast<double>(latencies.size() - 1));
  std::nth_element(latencies.begin(), latencies.begin() + static_cast<std::ptrdiff_t>(at), latencies.end());
  return latencies[at] / 1e3;
}

bool wanted(const char* variable, const std::string& name) {
  const char* list = std::getenv(variable);
  return list == nullptr || ("," + std::string(list) + ",").find("," + name + ",") != std::string::npos;
}

void make_empty(const std::string& directory) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
}

void run_one(const System& system, const Load& load, int round) {
  make_empty(load.directory);
  Measured measured = system.run(load);
  const double rate = static_cast<double>(measured.latencies_ns.size()) / measured.seconds;
  const double p50 = micros_at(measured.latencies_ns, 0.5);
  const double p99 = micros_at(measured.latencies_ns, 0.99);
  std::printf(R"({"kind":"run","round":%d,"system":"%s","mode":"%s","writers":%u,)"
              R"("appends_per_second":%.1f,"p50_us":%.1f,"p99_us":%.1f})"
              "\n",
              round, system.name, load.commit ? "commit" : "interval", load.writers, rate, p50, p99);
  std::fflush(stdout);
}

void recover_once(const std::string& directory, std::uint64_t bytes, const std::string& record) {
  make_empty(directory);
  const Recovery one = run_recovery(directory, bytes, record);
  std::printf(R"({"kind":"recovery","bytes":%llu,"records":%llu,"open_seconds":%.6f,"read_seconds":%.6f})"
              "\n",
              static_cast<unsigned long long>(one.bytes), static_cast<unsigned long long>(one.records),
              one.open_seconds, one.read_seconds);
  std::fflush(stdout);
}

void compare(const std::string& directory, int rounds, std::chrono::milliseconds time,
             const std::vector<unsigned>& writers, const std::string& record) {
  const std::vector<System> systems{
      {"fluxrig", run_rack},
      {"fluxrig-threads", run_rack_threads},
      {"sqlite-shared", [&](const Load& load) { return run_sqlite(load, SqliteWay::kShared, record); }},
      {"sqlite-connections",
       [&](const Load& load) { return run_sqlite(load, SqliteWay::kConnections, record); }},
      {"rocksdb", [&](const Load& load) { return run_rocksdb(load, record); }},
  };
  Load load;
  load.time = time;
  load.directory = directory;
  for (int round = 1; round <= rounds; ++round)
    for (const bool commit : {true, false})
      for (const unsigned count : writers)
        for (const auto& system : systems) {
          if (!wanted("FLUXRIG_BENCH_SYSTEMS", system.name) ||
              !wanted("FLUXRIG_BENCH_MODES", commit ? "commit" : "interval"))
            continue;
          // Blocked threads are about waiting for the disk; without that they only queue for the ring's lock.
          if (!commit && std::string(system.name) == "fluxrig-threads") continue;
          load.commit = commit;
          load.writers = count;
          run_one(system, load, round);
        }
}

int run(int count, char** words) {
  if (count < 5) give_up("usage: compare_wal DIRECTORY ROUNDS SECONDS RECOVERY_MIB [WRITERS...]");
  const std::string directory = std::string(words[1]) + "/data";
  const int rounds = std::atoi(words[2]);
  const auto time = std::chrono::milliseconds(static_cast<std::int64_t>(std::atof(words[3]) * 1e3));
  const auto recovery = static_cast<std::uint64_t>(std::atoll(words[4])) << 20;
  std::vector<unsigned> writers;
  for (int i = 5; i < count; ++i) writers.push_back(static_cast<unsigned>(std::atoi(words[i])));
  if (writers.empty()) writers = {1, 8, 64};
  const std::string record = Payment().encoded();
  std::printf(R"({"kind":"setting","sqlite":"%s","rocksdb":"%s","record_bytes":%zu,"seconds":%.1f})"
              "\n",
              sqlite_version().c_str(), rocksdb_version().c_str(), record.size(),
              std::chrono::duration<double>(time).count());
  compare(directory, rounds, time, writers, record);
  for (int i = 0; i < std::max(rounds, 1) && recovery != 0; ++i) recover_once(directory, recovery, record);
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace fluxrig::bench

int main(int count, char** words) {
  try {
    return fluxrig::bench::run(count, words);
  } catch (const std::exception& cause) {
    std::fprintf(stderr, "compare_wal: %s\n", cause.what());
    return 1;
  }
}
