#pragma once
// What a model knows of its functionals' derivatives, which decides how they are integrated.

namespace explaind {

/// How smooth F is along a straight line through the parameters.
enum class Smoothness {
  smooth,  ///< no derivative jumps (SiLU, GELU, tanh)
  jumps,   ///< continuous slope, whose derivative jumps (xIELU)
  kinks    ///< the slope jumps (ReLU, windows of max)
};

/// The smoothness of a function that is made of two.
constexpr Smoothness rougher(Smoothness a, Smoothness b) { return a < b ? b : a; }

}  // namespace explaind
