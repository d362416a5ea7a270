// SHA-256 over bytes that come in pieces. One thread.
#pragma once

#include <memory>

#include "model/block.hpp"

namespace fluxrig::wal {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(ByteView bytes);
  // Nothing may be added afterwards.
  [[nodiscard]] model::Hash finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace fluxrig::wal
