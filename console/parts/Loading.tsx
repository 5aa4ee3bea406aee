/** What stands where something will be, as large as that, so that nothing jumps. */
import { Center, Loader, Skeleton, Stack } from "@mantine/core";

/** Of a table with so many rows. */
export function TableSkeleton({ rows = 5 }: { readonly rows?: number }) {
  return <Bars count={rows + 1} height={36} label="Loading the list" />;
}

/** Of a form with so many fields. */
export function FormSkeleton({ fields = 4 }: { readonly fields?: number }) {
  return <Bars count={fields} height={60} label="Loading" />;
}

function Bars({ count, height, label }: { readonly count: number; readonly height: number; readonly label: string }) {
  return (
    <Stack gap={6} role="status" aria-label={label}>
      {Array.from({ length: count }, (_, index) => (
        <Skeleton key={index} height={height} />
      ))}
    </Stack>
  );
}

/** Before there is a page at all. */
export function FullPageLoader() {
  return (
    <Center h="100vh" component="main">
      <Loader aria-label="Loading the console" role="status" />
    </Center>
  );
}
