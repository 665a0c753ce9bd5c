// The page's data, and arrays of it: {"shape": […], "f32": BASE64} becomes numbers; missing ones are NaN.
const data = JSON.parse(document.getElementById("data").textContent);

function unpack(array) {
  const text = atob(array.f32), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  const view = new DataView(bytes.buffer), values = new Float32Array(bytes.length / 4);
  for (let i = 0; i < values.length; ++i) values[i] = view.getFloat32(4 * i, true);
  const [, second = 1, third = 1] = array.shape;
  return {shape: array.shape, values, at: (i, j = 0, k = 0) => values[(i * second + j) * third + k]};
}
