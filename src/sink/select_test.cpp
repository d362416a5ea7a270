#include <atomic>
#include <thread>

#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

class SelectTest : public StoreTest {
 protected:
  SelectTest() { open(); }
};

TEST_F(SelectTest, RendersEveryTypeAsAPersonWouldReadIt) {
  const auto table = select(
      "SELECT 1::TINYINT AS a, '-170141183460469231731687303715884105728'::HUGEINT AS b, 1.50::DECIMAL(18,2) "
      "AS c, "
      "-0.05::DECIMAL(4,2) AS d, 0.1::DOUBLE AS e, true AS f, 'x''y' AS g, '\\xAB'::BLOB AS h, DATE "
      "'2026-11-22' AS i, "
      "TIMESTAMP '2026-11-22 14:03:07.412' AS j, make_timestamp_ns(1795000000123456789) AS k, "
      "TIME '14:03:07' AS l, INTERVAL '1 month 2 days 3 hours' AS m, [1, NULL, 3] AS n, {'a': 1, 'b': 'q\"'} "
      "AS o, "
      "MAP {'k': [1.5::DOUBLE]} AS p, NULL AS q, 'b'::ENUM('a', 'b') AS r, array_value(1, 2) AS s, "
      "18446744073709551615::UBIGINT AS t, 'NaN'::DOUBLE AS u, ['NaN'::DOUBLE] AS v, "
      "'0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02'::UUID AS w, TIMESTAMPTZ '2026-11-22 14:03:07+02' AS x, "
      "'infinity'::TIMESTAMP AS y, 340282366920938463463374607431768211455::UHUGEINT AS z");
  ASSERT_EQ(table.rows.size(), 1U);
  const std::vector<std::optional<std::string>> expected = {"1",
                                                            "-170141183460469231731687303715884105728",
                                                            "1.50",
                                                            "-0.05",
                                                            "0.1",
                                                            "true",
                                                            "x'y",
                                                            "ab",
                                                            "2026-11-22",
                                                            "2026-11-22T14:03:07.412000Z",
                                                            "2026-11-18T11:06:40.123456789Z",
                                                            "14:03:07.000000",
                                                            "1 months 2 days 03:00:00.000000",
                                                            "[1,null,3]",
                                                            R"({"a":1,"b":"q\""})",
                                                            R"({"k":[1.5]})",
                                                            std::nullopt,
                                                            "b",
                                                            "[1,2]",
                                                            "18446744073709551615",
                                                            "nan",
                                                            R"(["nan"])",
                                                            "0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02",
                                                            "2026-11-22T12:03:07.000000Z",
                                                            "infinity",
                                                            "340282366920938463463374607431768211455"};
  ASSERT_EQ(table.columns.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(table.rows[0][i], expected[i]) << table.columns[i].name;
  EXPECT_EQ(table.columns[15].type, "MAP(VARCHAR, DOUBLE[])");
}

TEST_F(SelectTest, NamesJsonSoThatAReaderNeedNotQuoteIt) {
  const auto table = select("SELECT to_json([1, 2]) AS a, 'text' AS b");
  ASSERT_EQ(table.columns.size(), 2U);
  EXPECT_EQ(table.columns[0].type, "JSON");
  EXPECT_EQ(table.columns[1].type, "VARCHAR");
  EXPECT_EQ(table.rows[0][0], "[1,2]");
}

TEST_F(SelectTest, KeepsOrderAndColumnNames) {
  const auto table =
      select("SELECT range AS a, -range AS a, 'x' AS \"odd name\" FROM range(5000) ORDER BY range DESC");
  ASSERT_EQ(table.rows.size(), 5'000U);
  EXPECT_EQ(table.columns[0].name, "a");
  EXPECT_EQ(table.columns[2].name, "odd name");
  for (std::size_t i = 0; i < 5'000; ++i) ASSERT_EQ(table.rows[i][0], std::to_string(4'999 - i));
}

TEST_F(SelectTest, AcceptsEveryFormOfAQuery) {
  for (const char* sql :
       {"FROM transactions", "WITH a AS (SELECT 1 AS one) SELECT * FROM a", "VALUES (1), (2)",
        "(SELECT 1) UNION ALL (SELECT 2)", "TABLE racks", "SELECT 1;", "SELECT 1 -- comment",
        "DESCRIBE transactions", "SHOW TABLES", "SUMMARIZE racks",
        "SELECT unnest(redactions) FROM transactions", "SELECT * FROM generate_series(1, 3)",
        "SELECT 'force_checkpoint()' AS text", "SELECT now() - INTERVAL 1 HOUR",
        "SELECT count(*) FROM logs l JOIN spans s USING (flux_id)"}) {
    const auto table = try_select(sql);
    EXPECT_TRUE(table) << sql << ": " << table.error().message;
  }
}

TEST_F(SelectTest, RefusesEverythingButOneReadOnlyQuery) {
  store(transactions(1, 3));
  const auto parquet = (options_.directory / "parquet").string();
  const std::vector<std::string> hostile = {
      "",
      "   -- nothing",
      "SELECT",
      "SELECT 1; SELECT 2",
      "SELECT 1; DROP TABLE ledger",
      "INSERT INTO ledger VALUES (uuid(), 'audit', 1, 1, 9)",
      "DELETE FROM hot_transactions",
      "WITH a AS (SELECT 1) DELETE FROM hot_transactions",
      "UPDATE ledger SET last_seq = 9",
      "DROP VIEW transactions",
      "CREATE TABLE mine AS SELECT 1",
      "CREATE MACRO one() AS 1",
      "SELECT * FROM read_text('/etc/passwd')",
      "SELECT * FROM read_csv('/etc/passwd')",
      "SELECT * FROM read_blob('" + parquet + "/x')",
      "SELECT * FROM \"READ_TEXT\"('/etc/passwd')",
      "SELECT * FROM '/etc/passwd'",
      "SELECT * FROM '/etc/passwd.csv'",
      "SELECT * FROM glob('/etc/*')",
      "SELECT * FROM glob('" + parquet + "/*')",
      "SELECT (SELECT content FROM read_text('/etc/passwd'))",
      "WITH a AS (FROM sniff_csv('/etc/passwd')) SELECT * FROM a",
      "COPY transactions TO '/tmp/out.csv'",
      "COPY (SELECT 1) TO '" + parquet + "/out.parquet' (FORMAT parquet)",
      "COPY ledger FROM '/etc/passwd'",
      "EXPORT DATABASE '/tmp/out'",
      "IMPORT DATABASE '/tmp/out'",
      "ATTACH '/tmp/other.db'",
      "ATTACH ':memory:' AS other",
      "ATTACH '" + parquet + "/other.db'",
      "DETACH store",
      "USE memory",
      "INSTALL httpfs",
      "LOAD httpfs",
      "PRAGMA database_list",
      "PRAGMA table_info('ledger')",
      "PRAGMA enable_profiling",
      "SET memory_limit='1TB'",
      "SET enable_external_access=true",
      "RESET ALL",
      "CALL force_checkpoint()",
      "SELECT * FROM force_checkpoint()",
      "SELECT * FROM \"force_checkpoint\"()",
      "SELECT * FROM checkpoint()",
      "SELECT * FROM enable_logging()",
      "SELECT * FROM query('SELECT 1')",
      "SELECT * FROM query_table('ledger')",
      "SELECT * FROM json_execute_serialized_sql('{}')",
      "SELECT write_log('x')",
      "SELECT setseed(0.5)",
      "SELECT current_setting('memory_limit')",
      "CHECKPOINT",
      "FORCE CHECKPOINT",
      "VACUUM",
      "BEGIN TRANSACTION",
      "PREPARE p AS SELECT 1",
      "EXPLAIN ANALYZE SELECT 1",
      "SELECT $1",
      std::string("SELECT 1\0 FROM x", 16),
      "SELECT '\xff'",
      std::string(100'000, ' ') + "SELECT 1",
      "SELECT * FROM no_such_table",
  };
  for (const auto& sql : hostile) {
    const auto table = try_select(sql);
    EXPECT_FALSE(table) << sql.substr(0, 100);
    if (!table) {
      EXPECT_FALSE(table.error().message.empty()) << sql.substr(0, 100);
    }
  }
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "3");
  EXPECT_EQ(cell("SELECT last_seq FROM ledger"), "3");
  EXPECT_FALSE(std::filesystem::exists(options_.directory / "parquet" / "out.parquet"));
}

TEST_F(SelectTest, BindsValuesAsText) {
  store(transactions(1, 3));
  const auto flux_id = cell("SELECT flux_id FROM transactions WHERE seq = 2");
  EXPECT_EQ(cell("SELECT seq FROM transactions WHERE flux_id = $1 AND machine_id = $2",
                 {flux_id, to_string(machine_)}),
            "2");
  EXPECT_EQ(cell("SELECT $1", {"' OR 1=1 --"}), "' OR 1=1 --");
  EXPECT_FALSE(try_select("SELECT $1", {"a", "b"}));
  EXPECT_FALSE(try_select("SELECT * FROM transactions WHERE flux_id = $1", {"not a uuid"}));
}

TEST_F(SelectTest, StopsAtTheRowAndByteLimits) {
  const auto rows = try_select("SELECT * FROM range(1000000000000)", {}, {.rows = 10});
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows.size(), 10U);
  EXPECT_TRUE(rows->truncated);
  const auto bytes = try_select("SELECT repeat('x', 1000) FROM range(1000000)", {}, {.bytes = 100'000});
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_TRUE(bytes->truncated);
  EXPECT_LE(bytes->rows.size(), 100U);
  const auto exact = try_select("SELECT * FROM range(10)", {}, {.rows = 10});
  ASSERT_TRUE(exact);
  EXPECT_FALSE(exact->truncated);
}

TEST_F(SelectTest, InterruptsAQueryThatRunsOverItsTime) {
  const auto begin = std::chrono::steady_clock::now();
  const auto stopped =
      try_select("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1", {},
                 {.time_ms = 200});
  ASSERT_FALSE(stopped);
  EXPECT_NE(stopped.error().message.find("stopped after 200 ms"), std::string::npos)
      << stopped.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_EQ(cell("SELECT 1"), "1");
}

TEST_F(SelectTest, AQueryOverTheMemoryLimitFailsAloneAndCommitsGoOn) {
  const auto stopped = try_select("SELECT length(string_agg(repeat('x', 1000000), '')) FROM range(100000)");
  ASSERT_FALSE(stopped);
  EXPECT_NE(stopped.error().message.find("Out of Memory"), std::string::npos) << stopped.error().message;
  EXPECT_EQ(store(transactions(1, 3)).rows, 3U);
  EXPECT_EQ(cell("SELECT count(*) FROM transactions"), "3");
}

TEST_F(SelectTest, RunsSeveralQueriesBesideCommits) {
  std::atomic<int> wrong{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 6; ++reader)
    readers.emplace_back([&] {
      do {
        // A batch is seen whole or not at all.
        const auto table = try_select(
            "SELECT count(*) % 50, count(*) = (SELECT coalesce(sum(last_seq), 0) FROM ledger) FROM "
            "transactions");
        if (!table || table->rows[0][0] != "0" || table->rows[0][1] != "true") ++wrong;
      } while (!stop);
    });
  for (std::uint64_t batch = 0; batch < 40; ++batch) store(transactions(1 + batch * 50, 50));
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(SelectTest, WaitsForAFreeConnectionOnlyWithinItsTime) {
  options_.select_connections = 1;
  open();
  std::atomic<bool> refused{false};
  std::thread busy([&] {
    do {
      EXPECT_FALSE(
          try_select("SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1",
                     {}, {.time_ms = 1'500}));
    } while (!refused);
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!refused && std::chrono::steady_clock::now() < deadline) {
    const auto table = try_select("SELECT 1", {}, {.time_ms = 20});
    refused = !table && table.error().message.find("run already") != std::string::npos;
  }
  EXPECT_TRUE(refused);
  refused = true;
  busy.join();
  EXPECT_EQ(cell("SELECT 1"), "1");
}

}  // namespace
}  // namespace fluxrig::sink
