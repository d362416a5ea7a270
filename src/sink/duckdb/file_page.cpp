// The listed files, read and held against their hashes, a page at a time.
#include <charconv>

#include "sink/duckdb/part_check.hpp"
#include "sink/duckdb/select_pool.hpp"

namespace fluxrig::sink {
namespace {

constexpr std::uint64_t kFilesOfPage = 256;
constexpr std::uint64_t kBytesOfPage = 64U << 20;  // a page ends with the file that reaches it
constexpr std::chrono::seconds kTimeOfPage{5};

std::uint64_t number(const std::optional<std::string>& cell) {
  std::uint64_t value = 0;
  if (cell) (void)std::from_chars(cell->data(), cell->data() + cell->size(), value);
  return value;
}

std::optional<model::Hash> hash_of(const std::optional<std::string>& cell) {
  const auto bytes = from_hex(cell.value_or(""));
  model::Hash hash{};
  if (!bytes || bytes->size() != hash.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return hash;
}

}  // namespace

Outcome<CheckedFiles> SelectPool::check_files(std::uint64_t after) {
  const auto ends = std::chrono::steady_clock::now() + kTimeOfPage;
  const std::string from = std::to_string(after);
  const auto listed = select(
      "SELECT id, path, row_count, bytes, sha256 FROM parquet_files WHERE id > CAST($1 AS UBIGINT) "
      "ORDER BY id LIMIT 257",
      std::span(&from, 1), QueryLimits{});
  if (!listed) return tl::unexpected(listed.error());
  CheckedFiles page;
  std::uint64_t bytes = 0;
  std::uint64_t last = after;
  std::size_t looked_at = 0;
  for (const auto& row : listed->rows) {
    if (looked_at != 0 &&
        (bytes >= kBytesOfPage || looked_at == kFilesOfPage || std::chrono::steady_clock::now() > ends)) {
      page.next = last;
      break;
    }
    CheckedFile file{number(row[0]), row[1].value_or(""), number(row[2]), number(row[3])};
    last = file.id;
    ++looked_at;
    const auto check = check_file(parquet_ / file.path, hash_of(row[4]));
    if (!check)
      return problem("the store's file '" + file.path +
                     "' could not be checked: " + to_string(check.error()));
    file.state = check->state;
    file.path = "parquet/" + file.path;
    bytes += file.bytes;
    if (file.state == FileState::kMissing) {
      // Merged with others or retired meanwhile: then it is no longer listed.
      const std::string id = std::to_string(file.id);
      const auto still = select("SELECT 1 FROM parquet_files WHERE id = CAST($1 AS UBIGINT)",
                                std::span(&id, 1), QueryLimits{});
      if (!still) return tl::unexpected(still.error());
      if (still->rows.empty()) continue;
    }
    page.files.push_back(std::move(file));
  }
  return page;
}

}  // namespace fluxrig::sink
