import "./style.css";

import { render } from "preact";

import { App } from "./components/app";
import { followAddress } from "./components/route";

const root = document.getElementById("app");
if (root !== null) {
  render(<App />, root);
  followAddress();
}
