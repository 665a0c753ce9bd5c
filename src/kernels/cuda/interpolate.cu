#include "kernels/cuda/stored_types.cuh"
#include "kernels/device.hpp"

namespace explaind::kernels::device {
namespace {

/// Elements a thread takes at a time: 8 to 32 bytes, one or two transactions' worth a warp.
constexpr int64_t group = 4;

template <typename T>
struct alignas(group * sizeof(T)) Four {
  T value[group];
};

/// Calls f(first, count) for runs of four elements, and of what is left at the end.
template <typename F>
__device__ inline void each_group(int64_t count, const F& f) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x * group;
  for (int64_t i = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * group; i < count;
       i += step) {
    f(i, count - i < group ? static_cast<int>(count - i) : static_cast<int>(group));
  }
}

template <typename T>
__device__ inline Four<T> load(const T* from, int64_t i, int n) {
  if (n == group) return *reinterpret_cast<const Four<T>*>(from + i);
  Four<T> some{};
  for (int k = 0; k < n; ++k) some.value[k] = from[i + k];
  return some;
}

template <typename T>
__device__ inline void store(const Four<T>& values, T* to, int64_t i, int n) {
  if (n == group) {
    *reinterpret_cast<Four<T>*>(to + i) = values;
  } else {
    for (int k = 0; k < n; ++k) to[i + k] = values.value[k];
  }
}

template <typename From, typename Out>
__global__ void widen_kernel(const From* from, int64_t count, Out* out) {
  using Real = typename Arithmetic<Out>::type;
  each_group(count, [&](int64_t i, int n) {
    const Four<From> a = load(from, i, n);
    Four<Out> result;
    for (int k = 0; k < group; ++k) put(static_cast<Real>(number(a.value[k])), result.value[k]);
    store(result, out, i, n);
  });
}

template <typename From, typename To, typename Out>
__global__ void difference_kernel(const From* from, const To* to, int64_t count, Out* delta) {
  using Real = typename Arithmetic<Out>::type;
  each_group(count, [&](int64_t i, int n) {
    const Four<From> a = load(from, i, n);
    const Four<To> b = load(to, i, n);
    Four<Out> result;
    for (int k = 0; k < group; ++k) {
      put(static_cast<Real>(number(b.value[k])) - static_cast<Real>(number(a.value[k])),
          result.value[k]);
    }
    store(result, delta, i, n);
  });
}

template <typename From, typename Real>
__global__ void interpolate_kernel(const From* from, const Real* delta, Real t, int64_t count,
                                   Real* out) {
  each_group(count, [&](int64_t i, int n) {
    const Four<From> a = load(from, i, n);
    const Four<Real> d = load(delta, i, n);
    Four<Real> result;
    for (int k = 0; k < group; ++k) {
      result.value[k] = static_cast<Real>(number(a.value[k])) + t * d.value[k];
    }
    store(result, out, i, n);
  });
}

template <typename From, typename To>
__global__ void between_kernel(const From* from, const To* to, float t, int64_t count,
                               Bfloat16* out) {
  each_group(count, [&](int64_t i, int n) {
    const Four<From> a = load(from, i, n);
    const Four<To> b = load(to, i, n);
    Four<Bfloat16> result;
    for (int k = 0; k < group; ++k) {
      const float start = static_cast<float>(number(a.value[k]));
      put(start + t * (static_cast<float>(number(b.value[k])) - start), result.value[k]);
    }
    store(result, out, i, n);
  });
}

/// Calls f with a pointer of the stored type.
template <typename F>
void as_stored(Stored stored, const F& f) {
  switch (stored.dtype) {
    case Dtype::bf16:
      return f(static_cast<const Bfloat16*>(stored.data));
    case Dtype::f16:
      return f(static_cast<const HalfBits*>(stored.data));
    case Dtype::f32:
      return f(static_cast<const float*>(stored.data));
    case Dtype::f64:
      return f(static_cast<const double*>(stored.data));
    default:
      throw Error("interpolating", "a tensor of type " + to_string(stored.dtype), "");
  }
}

dim3 grid_of(int64_t count) {
  const unsigned wanted = blocks_for(count, block_threads * group);
  return dim3(wanted < 65535u ? wanted : 65535u);
}

}  // namespace

template <typename Out>
void widen(Stored from, int64_t count, Out* out, Stream stream) {
  as_stored(from, [&](auto* a) {
    launch(widen_kernel<std::decay_t<decltype(*a)>, Out>, grid_of(count), stream, a, count, out);
  });
}

template <typename Out>
void difference(Stored from, Stored to, int64_t count, Out* delta, Stream stream) {
  as_stored(from, [&](auto* a) {
    as_stored(to, [&](auto* b) {
      launch(difference_kernel<std::decay_t<decltype(*a)>, std::decay_t<decltype(*b)>, Out>,
             grid_of(count), stream, a, b, count, delta);
    });
  });
}

template <typename Real>
void interpolate(Stored from, const Real* delta, Real t, int64_t count, Real* out, Stream stream) {
  as_stored(from, [&](auto* a) {
    launch(interpolate_kernel<std::decay_t<decltype(*a)>, Real>, grid_of(count), stream, a, delta,
           t, count, out);
  });
}

void interpolate_between(Stored from, Stored to, float t, int64_t count, Bfloat16* out,
                         Stream stream) {
  as_stored(from, [&](auto* a) {
    as_stored(to, [&](auto* b) {
      launch(between_kernel<std::decay_t<decltype(*a)>, std::decay_t<decltype(*b)>>, grid_of(count),
             stream, a, b, t, count, out);
    });
  });
}

template void widen(Stored, int64_t, float*, Stream);
template void widen(Stored, int64_t, double*, Stream);
template void widen(Stored, int64_t, Bfloat16*, Stream);
template void difference(Stored, Stored, int64_t, float*, Stream);
template void difference(Stored, Stored, int64_t, double*, Stream);
template void difference(Stored, Stored, int64_t, Bfloat16*, Stream);
template void interpolate(Stored, const float*, float, int64_t, float*, Stream);
template void interpolate(Stored, const double*, double, int64_t, double*, Stream);

}  // namespace explaind::kernels::device
