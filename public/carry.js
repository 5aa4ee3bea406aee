/** A key that stands behind `#key=` goes along with the links that want it, and leaves the address bar at once. */
let key = null;
function take() {
  const taken = new URLSearchParams(location.hash.slice(1)).get("key");
  if (taken === null) return;
  key = taken;
  history.replaceState(null, "", location.pathname + location.search);
}
take();
// Where the page is open already, a link with a key changes nothing but the fragment.
addEventListener("hashchange", take);
for (const link of document.querySelectorAll("a[data-carry]"))
  // Before whatever the press leads to, and not earlier: what a pointer rests on is shown.
  for (const press of ["mousedown", "click"])
    link.addEventListener(press, () => {
      if (key !== null) link.hash = new URLSearchParams({ key }).toString();
    });
document.querySelector("#origin").textContent = location.origin;
