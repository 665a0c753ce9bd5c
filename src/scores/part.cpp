#include "scores/part.hpp"

namespace explaind {

std::string variable_of(Part part) {
  switch (part) {
    case Part::decay:
      return "psi_decay";
    case Part::momentum:
      return "psi_momentum";
    case Part::rounding:
      return "psi_rounding";
    case Part::data:
      return "psi_data";
  }
  return "";
}

}  // namespace explaind
