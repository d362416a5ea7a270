// What the WAL's tests share: a lane on a memory disk, and records to put in it. Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "wal/cursor.hpp"
#include "wal/memory_disk.hpp"
#include "wal/writer.hpp"

namespace fluxrig::wal {

inline MachineId test_machine() {
  MachineId id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
  return id;
}

// `count` record items; each names its number and is about `bytes` long.
inline Bytes test_records(std::uint64_t first, std::uint32_t count, std::size_t bytes = 8) {
  Bytes records;
  cbor::Encoder encoder(records);
  for (std::uint32_t i = 0; i < count; ++i) {
    encoder.array(2);
    encoder.unsigned_integer(first + i);
    encoder.text(std::string(bytes, 'x'));
  }
  return records;
}

struct TestLane {
  MemoryDisk disk;
  ManualClock clock;
  WriterOptions options;
  std::unique_ptr<Writer> writer;
  const std::string directory = "audit";

  TestLane() {
    options.segment_bytes = WriterOptions::kMinSegmentBytes;
    options.free_reserve_bytes = 0;
    options.rack = "edge";
    options.software = "0.1.0";
  }
  void open() {
    writer.reset();
    auto opened = Writer::open({disk, clock, directory, test_machine(), model::Lane::kAudit, options});
    ASSERT_TRUE(opened) << opened.error().message;
    writer = std::move(*opened);
  }
  // kill -9, then a start.
  void restart() {
    writer.reset();
    disk.kill();
    open();
  }
  Result<SequenceRange> append(std::uint32_t count = 1, std::size_t bytes = 8) {
    return writer->append(test_records(writer->next_sequence().value, count, bytes), count);
  }
  // The path of the newest segment.
  std::string newest() { return path_of(directory, list_segments(disk, directory)->back()); }
  std::string oldest() { return path_of(directory, list_segments(disk, directory)->front()); }
};

struct ReadRecord {
  Epoch epoch;
  Sequence sequence;
  std::uint64_t number = 0;  // that the record itself names
};

// All records that a cursor gives until it has no more; stops at damage.
inline std::vector<ReadRecord> read_records(Cursor& cursor) {
  std::vector<ReadRecord> found;
  for (;;) {
    const auto block = cursor.next();
    if (!block || !*block) return found;
    const auto& head = (*block)->view.head;
    cbor::Decoder decoder((*block)->view.records);
    for (std::uint32_t i = 0; i < head.count; ++i) {
      EXPECT_EQ(decoder.array(), 2U);
      const auto number = decoder.unsigned_integer();
      EXPECT_TRUE(number);
      EXPECT_TRUE(decoder.skip());
      found.push_back({head.epoch, Sequence{head.first.value + i}, number.value_or(0)});
    }
  }
}

inline std::vector<ReadRecord> read_all(Disk& disk, const std::string& directory) {
  Cursor cursor(disk, directory, {});
  return read_records(cursor);
}

// The sequences of one epoch are 1, 2, 3, ... `count`, and each record is the one appended with it.
inline void expect_gapless(const std::vector<ReadRecord>& records, Epoch epoch, std::uint64_t count) {
  std::uint64_t next = 1;
  for (const auto& record : records) {
    if (record.epoch != epoch) continue;
    EXPECT_EQ(record.sequence.value, next);
    EXPECT_EQ(record.number, next);
    ++next;
  }
  EXPECT_EQ(next - 1, count);
}

}  // namespace fluxrig::wal
