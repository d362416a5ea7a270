// Where the mixer stores what racks send. A commit is all or nothing: the rows of its blocks, the ledger
// entries that say which sequences are now stored, and the rack's presence stand in one transaction of the
// store. Only after it may a receipt go out. Implementations: DuckDbSink.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/block.hpp"
#include "model/records.hpp"
#include "sanitize/clean_record.hpp"
#include "sink/audit.hpp"

namespace fluxrig::sink {

// Sorted, disjoint, inclusive ranges of sequences.
class SequenceRanges {
 public:
  void add(Sequence first, Sequence last);
  [[nodiscard]] bool contains(Sequence first, Sequence last) const noexcept;    // all of it
  [[nodiscard]] bool intersects(Sequence first, Sequence last) const noexcept;  // any of it
  [[nodiscard]] bool contains(Sequence one) const noexcept { return contains(one, one); }
  [[nodiscard]] const std::vector<std::pair<Sequence, Sequence>>& ranges() const noexcept { return ranges_; }

 private:
  std::vector<std::pair<Sequence, Sequence>> ranges_;
};

using Ledger = std::map<StreamKey, SequenceRanges>;

// A block as it arrived, verified and decoded. `records[i]` has sequence `head.first + i`.
struct IncomingBlock {
  model::BlockHead head;
  std::string rack;  // name of the rack, from the certificate index
  std::vector<model::Record> records;
  UnixNanos received;
  Bytes bytes = {};    // the block as it arrived: what is hashed, kept for the audit chain
  model::Hash hash{};  // SHA-256 of `bytes`; lane audit only
};

struct RackPresence {
  MachineId machine_id;
  std::string rack;
  std::string version;
  Epoch epoch;
  UnixNanos started;
  UnixNanos last_seen;
  std::string status_json;  // lane depths, footprint: as the rack's heartbeat said, a JSON object
};

struct CommitSummary {
  std::uint64_t rows = 0;
  std::uint64_t duplicates = 0;  // records whose sequence the ledger already had
};

// Spans of services that are no racks: nobody has numbered or signed them, and no receipt is owed. They are
// told apart by an epoch and a sequence that the mixer gives.
struct ReceivedSpans {
  std::span<const sanitize::CleanRecord> spans;  // model::Span each; other records are left out
  Epoch epoch;
  Sequence first;
  UnixNanos received;
};

// One thread (the ingest thread).
class Sink {
 public:
  virtual ~Sink() = default;
  // Stores each record whose sequence is not yet in the ledger and brings the ledger up to date, in one
  // transaction. On failure nothing of the batch is stored.
  [[nodiscard]] virtual Result<CommitSummary> commit(std::span<const IncomingBlock> blocks) = 0;
  // The same, together with what the chain watch made of the blocks. Blocks of lane audit that have their
  // `bytes` are kept as they are; whoever calls this sees to it that each comes once. A sink that keeps no
  // chains (the default) stores the rows only.
  [[nodiscard]] virtual Result<CommitSummary> commit_audited(std::span<const IncomingBlock> blocks,
                                                             const AuditChanges& changes);
  [[nodiscard]] virtual const AuditState& audit() const noexcept;  // as last committed
  // All of them or none, in a transaction of their own, without the ledger. A sink that takes none (the
  // default) says kUnsupported.
  [[nodiscard]] virtual Result<void> store_received(const ReceivedSpans& received);
  // Which kept blocks of `stream` have one of these hashes, or name one of them as previous; only those whose
  // first sequence is within `from` and `to` are looked at.
  struct KnownQuestion {
    StreamKey stream;
    Sequence from;
    Sequence to;
    std::span<const model::Hash> hashes;
  };
  [[nodiscard]] virtual Result<std::vector<KnownBlock>> known_blocks(const KnownQuestion& question);
  [[nodiscard]] virtual Result<void> remember(const RackPresence& presence) = 0;
  [[nodiscard]] virtual const Ledger& ledger() const noexcept = 0;  // as last committed
  // Housekeeping in bounded steps (close an hour into Parquet, compact, retire); called when idle, at least
  // each minute. True: there is more to do.
  [[nodiscard]] virtual Result<bool> maintain(UnixNanos now) = 0;
};

// What a check of a stored file against the SHA-256 that it was written with finds.
enum class FileState : std::uint8_t { kGood, kAltered, kMissing, kUnreadable, kUnhashed };
[[nodiscard]] std::string_view to_string(FileState state) noexcept;

struct CheckedFile {
  std::uint64_t id = 0;
  std::string path;  // below the store's directory
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // as written
  FileState state = FileState::kGood;
};
struct CheckedFiles {
  std::vector<CheckedFile> files;  // by id
  std::uint64_t next = 0;          // ask again after this id; 0: that was all
};

struct QueryLimits {
  std::uint64_t rows = 10'000;
  std::uint64_t bytes = 64U << 20;
  std::int64_t time_ms = 10'000;
};

// A result as rows of typed text: every value is what a person would read (UUID text, RFC 3339 times, hex
// ids).
struct QueryTable {
  struct Column {
    std::string name;
    std::string type;      // DuckDB's name
    bool numeric = false;  // JSON writes it without quotes
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // nullopt: NULL
  bool truncated = false;                                     // the row or byte limit was reached
};

// What a statement looks for: ids from `least` to `most` (32 hex digits each), or rows of the hours from one
// time to another. Where to look, no more: the statement itself says which rows it wants.
struct Nearby {
  enum class By : std::uint8_t { kFluxId, kTraceId, kHours };
  By by = By::kTraceId;
  std::string least = {};
  std::string most = {};
  UnixNanos from = {};
  UnixNanos to = {};
};

// Any thread; queries run beside commits and see committed rows only.
class Queries {
 public:
  virtual ~Queries() = default;
  // One read-only SELECT statement; anything else, file access and settings are refused with a sentence.
  // `parameters` bind $1, $2, ... as text.
  [[nodiscard]] virtual Outcome<QueryTable> select(std::string_view sql,
                                                   std::span<const std::string> parameters,
                                                   const QueryLimits& limits) = 0;
  // As select(), for a statement of our own over the views transactions, child_spans, log_records, spans,
  // logs and (by hours) audit_blocks: a store that knows where things are opens only the files where they can
  // be. The rows are the same as those of select(), as far as they have such an id or are of such an hour.
  [[nodiscard]] virtual Outcome<QueryTable> select_near(const Nearby& nearby, std::string_view sql,
                                                        std::span<const std::string> parameters,
                                                        const QueryLimits& limits);
  // Reads the listed files with a higher id now and holds each against its hash, some seconds' work at most.
  // A store without files (the default) has none.
  [[nodiscard]] virtual Outcome<CheckedFiles> check_files(std::uint64_t after);
};

}  // namespace fluxrig::sink
