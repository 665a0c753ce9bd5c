#include "checkpoint/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace explaind {
namespace {

void require_done(int code) {
  if (code != 1) throw std::runtime_error("OpenSSL could not compute a SHA-256");
}

}  // namespace

struct Sha256::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  require_done(context_->state ? EVP_DigestInit_ex(context_->state.get(), EVP_sha256(), nullptr)
                               : 0);
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) {
  require_done(EVP_DigestUpdate(context_->state.get(), bytes.data(), bytes.size()));
}

std::string Sha256::digits() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  require_done(EVP_DigestFinal_ex(context_->state.get(), digest.data(), &length));
  std::string text;
  for (const unsigned char byte : std::span(digest).first(length)) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

std::string sha256_of(std::span<const std::byte> bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.digits();
}

}  // namespace explaind
