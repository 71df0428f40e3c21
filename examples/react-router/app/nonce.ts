// The nonce that allows the page's own scripts. It is empty in the browser, which hides nonces.

import { createContext } from "react";

export const NonceContext = createContext("");
