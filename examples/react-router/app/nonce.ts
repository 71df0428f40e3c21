// By which the page's own scripts are told from others; empty in the browser, which hides it.

import { createContext } from "react";

export const NonceContext = createContext("");
