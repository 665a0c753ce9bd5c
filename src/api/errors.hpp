#pragma once
// Errors of the rooms as those of the public interface.

#include <functional>

#include "core/error.hpp"
#include "core/unexpected.hpp"
#include "explaind/error.hpp"

namespace explaind::v1 {

/// What `action` returns; throws v1::Error for whatever it throws.
template <typename Action>
auto translated(const Action& action) -> decltype(action()) {
  try {
    return action();
  } catch (const v1::Error&) {
    throw;
  } catch (const explaind::Error& error) {
    throw v1::Error(error.what(), static_cast<int>(error.exit_code()));
  } catch (const std::exception& error) {
    throw v1::Error(message_of(error), static_cast<int>(ExitCode::failure));
  }
}

}  // namespace explaind::v1
