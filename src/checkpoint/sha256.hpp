#pragma once
// SHA-256 of bytes, for the identification of inputs.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace explaind {

/// Of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::span<const std::byte> bytes);
  /// 64 hexadecimal digits of all that was added. Once.
  std::string digits();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// 64 hexadecimal digits.
std::string sha256_of(std::span<const std::byte> bytes);

}  // namespace explaind
