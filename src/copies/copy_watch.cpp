#include "copies/copy_watch.hpp"

namespace explaind {
namespace {

constexpr uint64_t megabyte = 1000000;
constexpr uint64_t worth_telling = 200 * megabyte;  ///< less is done in seconds

}  // namespace

void CopyWatch::begin(uint64_t bytes) {
  stop_.require_down();
  told_ = bytes >= worth_telling;
  if (told_)
    listener_.begin("MB copied and read again", static_cast<int64_t>(2 * bytes / megabyte));
}

void CopyWatch::advance(uint64_t bytes) {
  stop_.require_down();
  const uint64_t before = done_ / megabyte;
  done_ += bytes;
  if (told_) listener_.advance(static_cast<int64_t>(done_ / megabyte - before), "");
}

void CopyWatch::finish() {
  if (told_) listener_.finish();
}

}  // namespace explaind
