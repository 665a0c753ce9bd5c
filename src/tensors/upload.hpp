#pragma once
// Stored values on their way from mapped files to a device.

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "tensors/device.hpp"

namespace explaind {

/// Copies on a stream of their own, through two pinned buffers: while one is on its way, the other
/// is filled from the files. What the device computes goes on meanwhile. Floor: every byte read and
/// written once by the processor, and sent once.
class Upload {
 public:
  /// A point in the computing stream; none on the host.
  using Mark = std::optional<c10::Event>;

  explicit Upload(const Device& device);

  /// After what has been put in the computing stream so far.
  [[nodiscard]] Mark mark() const;
  /// Copies made from here on wait for what was computed before the mark, which may still use what
  /// they will overwrite.
  void begin(const Mark& mark);
  /// bytes bytes to `to` (a tensor of bytes on the device) from its element `offset` on.
  void copy(const std::byte* from, size_t bytes, const at::Tensor& to, int64_t offset);
  /// What is put in the computing stream from here on waits for all copies made so far.
  void end();

 private:
  struct Staging {
    at::Tensor bytes;  ///< pinned; made when first needed
    Mark sent;         ///< its last copy
  };
  Device device_;
  std::optional<c10::Stream> stream_;  ///< none on the host
  std::array<Staging, 2> staging_;
  size_t next_ = 0;
};

}  // namespace explaind
