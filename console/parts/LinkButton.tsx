/** A button that leads to another page of the console, and is a link. */
import { Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";

interface Linked extends ButtonProps, Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps> {
  readonly ref?: Ref<HTMLAnchorElement>;
}

/** By itself a button of Mantine's is a `<button>`, which no address makes a link of. */
function Anchored(props: Linked) {
  return <Button component="a" {...props} />;
}

export const LinkButton = createLink(Anchored);
