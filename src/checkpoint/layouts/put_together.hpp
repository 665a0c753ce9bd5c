#pragma once
// Room for tensors that lie in parts and are used whole.

#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <string>

namespace explaind {

/// A file without a name in the folder for temporary files (TMPDIR, else /tmp), mapped: the
/// operating system may write it out when memory is short, and it is gone with the process. Filled
/// once, then only read.
class PutTogether {
 public:
  /// bytes: of all tensors, each rounded up to `alignment`. where: the checkpoint, for messages.
  /// Throws DataError where there is no room.
  PutTogether(size_t bytes, const std::string& where);
  ~PutTogether();
  PutTogether(const PutTogether&) = delete;
  PutTogether& operator=(const PutTogether&) = delete;
  PutTogether(PutTogether&&) = delete;
  PutTogether& operator=(PutTogether&&) = delete;

  static constexpr size_t alignment = 64;
  [[nodiscard]] static size_t rounded(size_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
  }

  /// The next tensor's room, zeros until they are written. Throws std::out_of_range where it is not
  /// of what was asked for at first.
  std::span<std::byte> take(size_t bytes);
  [[nodiscard]] size_t bytes() const { return size_; }

 private:
  size_t size_, taken_ = 0;
  std::byte* data_ = nullptr;
};

/// The same, whose addresses are known before anything is in it: the file is made when the first
/// of its tensors is about to be read. Until then its memory cannot be touched: who reads without
/// fill() ends the program.
class LateRoom {
 public:
  /// where: the checkpoint, for messages. Throws DataError where there are not as many addresses.
  LateRoom(size_t bytes, std::string where);
  ~LateRoom();
  LateRoom(const LateRoom&) = delete;
  LateRoom& operator=(const LateRoom&) = delete;
  LateRoom(LateRoom&&) = delete;
  LateRoom& operator=(LateRoom&&) = delete;

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] size_t bytes() const { return size_; }
  [[nodiscard]] bool holds(const std::byte* place) const {
    return place >= data_ && place < data_ + size_;
  }
  /// Calls `write` once, whoever asks how often; from any thread. Then it can be read. Throws
  /// DataError where there is no room.
  void fill(const std::function<void()>& write);

 private:
  size_t size_;
  std::string where_;
  std::byte* data_ = nullptr;
  std::mutex mutex_;
  bool filled_ = false;
};

}  // namespace explaind
