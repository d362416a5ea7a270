#include "sanitize/pattern_engine.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <hs/hs.h>

#include <charconv>
#include <cstdlib>
#include <limits>

namespace fluxrig::sanitize {
namespace {

constexpr const char* kLibrary = "libhs.so.5";
constexpr unsigned kFlags = HS_FLAG_SOM_LEFTMOST | HS_FLAG_DOTALL;

// The functions of the library that are used, found by name.
struct Functions {
  decltype(&::hs_valid_platform) valid_platform = nullptr;
  decltype(&::hs_expression_info) expression_info = nullptr;
  decltype(&::hs_compile_multi) compile_multi = nullptr;
  decltype(&::hs_free_compile_error) free_compile_error = nullptr;
  decltype(&::hs_database_size) database_size = nullptr;
  decltype(&::hs_free_database) free_database = nullptr;
  decltype(&::hs_alloc_scratch) alloc_scratch = nullptr;
  decltype(&::hs_scratch_size) scratch_size = nullptr;
  decltype(&::hs_free_scratch) free_scratch = nullptr;
  decltype(&::hs_scan) scan = nullptr;

  [[nodiscard]] bool load(void* library) noexcept {
    const auto take = [library](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
      return function != nullptr;
    };
    return take(valid_platform, "hs_valid_platform") && take(expression_info, "hs_expression_info") &&
           take(compile_multi, "hs_compile_multi") && take(free_compile_error, "hs_free_compile_error") &&
           take(database_size, "hs_database_size") && take(free_database, "hs_free_database") &&
           take(alloc_scratch, "hs_alloc_scratch") && take(scratch_size, "hs_scratch_size") &&
           take(free_scratch, "hs_free_scratch") && take(scan, "hs_scan");
  }
};

// "Missing close parenthesis for group started at index 3.": the library tells the place in its sentence
// only.
std::optional<std::size_t> index_in(std::string_view sentence) {
  constexpr std::string_view kWord = "index ";
  const auto found = sentence.rfind(kWord);
  if (found == std::string_view::npos) return std::nullopt;
  const auto digits = sentence.substr(found + kWord.size());
  std::size_t at = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), at);
  return error == std::errc{} && end != digits.data() ? std::optional(at) : std::nullopt;
}

}  // namespace

struct PatternEngine::Parts {
  void* library = nullptr;
  Functions hs;
  hs_database_t* database = nullptr;
  hs_scratch_t* scratch = nullptr;
  std::size_t bytes = 0;

  Parts() = default;
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    if (scratch != nullptr) hs.free_scratch(scratch);
    if (database != nullptr) hs.free_database(database);
    if (library != nullptr) ::dlclose(library);
  }

  [[nodiscard]] std::optional<Fault> load();
  [[nodiscard]] std::optional<Fault> check(std::size_t index, const std::string& pattern);
  [[nodiscard]] std::optional<Fault> compile(const std::vector<std::string>& patterns);
  [[nodiscard]] Fault fault_of(hs_compile_error_t* error, std::size_t index) const;
};

std::optional<PatternEngine::Fault> PatternEngine::Parts::load() {
  library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return Fault{0, std::nullopt,
                 fmt::format("rules of sanitize.rules need {}, which is not there; install libvectorscan5 or "
                             "libhyperscan5",
                             kLibrary),
                 true};
  if (!hs.load(library))
    return Fault{0, std::nullopt, fmt::format("{} is no Vectorscan or Hyperscan of version 5", kLibrary),
                 true};
  if (hs.valid_platform() != HS_SUCCESS)
    return Fault{0, std::nullopt, fmt::format("{} does not run on this processor", kLibrary), true};
  return std::nullopt;
}

PatternEngine::Fault PatternEngine::Parts::fault_of(hs_compile_error_t* error, std::size_t index) const {
  const std::string sentence =
      error == nullptr || error->message == nullptr ? "it cannot be compiled" : error->message;
  if (error != nullptr) hs.free_compile_error(error);
  return {index, index_in(sentence), sentence};
}

std::optional<PatternEngine::Fault> PatternEngine::Parts::check(std::size_t index,
                                                                const std::string& pattern) {
  if (pattern.empty()) return Fault{index, std::nullopt, "it is empty"};
  if (pattern.size() > kMostPatternBytes)
    return Fault{index, kMostPatternBytes, fmt::format("it is longer than {} bytes", kMostPatternBytes)};
  if (const auto nul = pattern.find('\0'); nul != std::string::npos)
    return Fault{index, nul, "it holds a zero byte; write \\x00"};
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs.expression_info(pattern.c_str(), kFlags, &info, &error) != HS_SUCCESS) return fault_of(error, index);
  const hs_expr_info_t width = *info;
  std::free(info);
  if (width.min_width == 0) return Fault{index, std::nullopt, "it matches where there is nothing"};
  if (width.max_width == std::numeric_limits<unsigned>::max())
    return Fault{index, std::nullopt,
                 "a match may have any length; give each repetition a bound, as in {1,20}"};
  if (width.max_width > kMostWidth)
    return Fault{index, std::nullopt,
                 fmt::format("a match may take {} bytes; {} are allowed", width.max_width, kMostWidth)};
  return std::nullopt;
}

std::optional<PatternEngine::Fault> PatternEngine::Parts::compile(const std::vector<std::string>& patterns) {
  std::vector<const char*> texts;
  std::vector<unsigned> ids;
  for (const auto& pattern : patterns) {
    ids.push_back(static_cast<unsigned>(texts.size()));
    texts.push_back(pattern.c_str());
  }
  const std::vector<unsigned> flags(texts.size(), kFlags);
  hs_compile_error_t* error = nullptr;
  if (hs.compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()),
                       HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
    const int index = error == nullptr ? -1 : error->expression;
    auto fault = fault_of(error, index < 0 ? 0 : static_cast<std::size_t>(index));
    fault.of_all = index < 0;
    return fault;
  }
  std::size_t compiled = 0;
  std::size_t needed = 0;
  if (hs.database_size(database, &compiled) != HS_SUCCESS ||
      hs.alloc_scratch(database, &scratch) != HS_SUCCESS || hs.scratch_size(scratch, &needed) != HS_SUCCESS)
    return Fault{0, std::nullopt, "there is not enough memory for the patterns", true};
  bytes = compiled + needed;
  if (compiled > kMostCompiledBytes || needed > kMostCompiledBytes)
    return Fault{0, std::nullopt,
                 fmt::format("compiled, the patterns take {} bytes and {} to scan; {} of each are allowed",
                             compiled, needed, kMostCompiledBytes),
                 true};
  return std::nullopt;
}

PatternEngine::PatternEngine(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
PatternEngine::~PatternEngine() = default;

tl::expected<std::unique_ptr<PatternEngine>, PatternEngine::Fault> PatternEngine::compile(
    const std::vector<std::string>& patterns) {
  auto parts = std::make_unique<Parts>();
  // Without patterns there is nothing to load.
  if (patterns.empty()) return std::unique_ptr<PatternEngine>(new PatternEngine(std::move(parts)));
  if (auto fault = parts->load()) return tl::unexpected(*std::move(fault));
  for (std::size_t i = 0; i < patterns.size(); ++i)
    if (auto fault = parts->check(i, patterns[i])) return tl::unexpected(*std::move(fault));
  if (auto fault = parts->compile(patterns)) return tl::unexpected(*std::move(fault));
  return std::unique_ptr<PatternEngine>(new PatternEngine(std::move(parts)));
}

bool PatternEngine::scan(std::string_view text, std::vector<Match>& matches) {
  matches.clear();
  if (parts_->database == nullptr) return true;
  if (text.size() > std::numeric_limits<unsigned>::max()) return false;
  const auto note = [](unsigned id, unsigned long long from, unsigned long long to, unsigned, void* context) {
    auto& found = *static_cast<std::vector<Match>*>(context);
    if (found.size() == kMostMatches) return 1;
    found.push_back({id, static_cast<std::size_t>(from), static_cast<std::size_t>(to)});
    return 0;
  };
  return parts_->hs.scan(parts_->database, text.data(), static_cast<unsigned>(text.size()), 0,
                         parts_->scratch, note, &matches) == HS_SUCCESS;
}

std::size_t PatternEngine::compiled_bytes() const noexcept { return parts_->bytes; }

}  // namespace fluxrig::sanitize
